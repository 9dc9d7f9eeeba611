/* A job as the properties of Msvm_CollectionReferencePointExportJob and its ancestors
 * CIM_ConcreteJob, CIM_Job, CIM_LogicalElement, CIM_ManagedSystemElement and CIM_ManagedElement. */
#pragma once

#include "core/job.h"

struct schedule;

/* A JSON object with all 50 properties, absent values as null; datetimes in CIM's form. A new
 * reference. @schedule: whose run the job is, which says when the others are; NULL. @now:
 * microseconds since 1970. */
json_t *job_cim_properties(const struct job *job, const struct schedule *schedule, gint64 now);
