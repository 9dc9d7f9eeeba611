/* A schedule as the properties of Msvm_CollectionReferencePointExportJob and its ancestors: an
 * export job in state New that waits for its time (CIM_Job.RunMonth and what goes with it). */
#pragma once

#include "core/schedule.h"

/* A JSON object with all 50 properties, absent values as null; datetimes in CIM's form. A new
 * reference. */
json_t *schedule_cim_properties(const struct schedule *schedule);
/* Only those that say when: RunMonth, RunDay, RunDayOfWeek, RunStartInterval, LocalOrUtcTime,
 * JobRunTimes and UntilTime, into @json: the jobs of its runs show them too. */
void schedule_cim_calendar(json_t *json, const struct schedule *schedule);
