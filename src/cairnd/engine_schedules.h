/* Schedules in the engine: what people ask about them. When one is due and what it does then is
 * decided by core/schedule.h; that its runs happen once, and are stored with it, is done here. */
#pragma once

#include "core/schedule.h"

struct engine;

/* Borrowed array of struct schedule, in the order of their names. */
GPtrArray *engine_schedules(const struct engine *engine);
/* A name or a GUID; NOT_FOUND. Borrowed, as long as it is not deleted. */
struct schedule *engine_schedule_find(const struct engine *engine, const char *name,
				      GError **error);
/* NULL: @id is NULL, or there is none. */
struct schedule *engine_schedule_by_id(const struct engine *engine, const char *id);
/* Whether the failures of @schedule (NULL: none) would, one after another, run @id: round and
 * round. */
gboolean engine_schedule_leads_to(const struct engine *engine, const struct schedule *schedule,
				  const char *id);
/* A new schedule (its group a GUID; without a name it gets one after its group), or a copy of one
 * that is there with other settings: checks, stores, and puts it in place. Taken over in any case.
 * Returns a borrowed pointer; INVALID, NOT_FOUND, EXISTS, STATE, LIMIT. */
struct schedule *engine_schedule_put(struct engine *engine, struct schedule *wanted,
				     GError **error);
/* RUN_NOW, SUSPEND, RESUME or TERMINATE; STATE says why not. */
gboolean engine_schedule_control(struct engine *engine, struct schedule *schedule,
				 enum schedule_event_type type, GError **error);
/* The same; with TERMINATE it can be said whether the schedule is kept after its end. */
gboolean engine_schedule_control_forget(struct engine *engine, struct schedule *schedule,
					enum schedule_event_type type, enum job_forget forget,
					GError **error);
/* A run that is under way goes on. */
gboolean engine_schedule_delete(struct engine *engine, struct schedule *schedule, GError **error);
/* As schedule-show has it; a new reference. */
json_t *engine_schedule_view(const struct engine *engine, const struct schedule *schedule);
