/* The jobs' state table.
 *
 *  point:   WAIT -> PREPARE -> WINDOW -> EXTENTS =commit=> CLEAN -> ENDED
 *                      |         |          |
 *                      +---------+----------+--> UNDO -> ENDED
 *
 *  export:  WAIT -> STAGE -> SERVE -> COPY -> FINISH =commit=> RELEASE -> ENDED
 *                     |        |       |         |
 *                     |        |      STOP       |
 *                     +--------+--> UNSERVE <----+
 *                                      |
 *                                   UNSTAGE -> ENDED
 *
 *  retain:  WAIT -> RETAIN =commit=> ENDED
 *
 * A phase asks one effect of each of its units and is over when all have answered. If one failed,
 * or somebody asked to stop, the row's `fail` is next, and only then: nothing is undone while
 * something is still being done. The flags of a row are set, and stored, before its effects are
 * asked for. A restart asks again what was not answered, but for COPY, which begins at SERVE. */
#include "core/job_rows.h"

#define ALL_UNDO (MEMBER_PREPARED | MEMBER_FROZEN | MEMBER_PAUSED | MEMBER_BEGUN)

const struct job_row job_rows[PHASE_LAST] = {
	[PHASE_WAIT] = {.name = "waiting"},
	[PHASE_PREPARE] = {.name = "preparing",
			   .effect = EFFECT_PREPARE,
			   .unit = UNIT_MEMBER,
			   .sets = MEMBER_PREPARED,
			   .next = PHASE_WINDOW,
			   .fail = PHASE_UNDO},
	[PHASE_WINDOW] = {.name = "taking the point",
			  .effect = EFFECT_WINDOW,
			  .unit = UNIT_JOB,
			  .sets = MEMBER_FROZEN | MEMBER_PAUSED | MEMBER_BEGUN,
			  .next = PHASE_EXTENTS,
			  .fail = PHASE_UNDO,
			  .restart_fails = TRUE},
	[PHASE_EXTENTS] = {.name = "reading what changed",
			   .effect = EFFECT_EXTENTS,
			   .unit = UNIT_MEMBER,
			   .next = PHASE_CLEAN,
			   .fail = PHASE_UNDO,
			   .commit = COMMIT_POINT,
			   .restart_all = TRUE},
	[PHASE_CLEAN] = {.name = "cleaning up",
			 .effect = EFFECT_CLEAN,
			 .unit = UNIT_JOB,
			 .next = PHASE_ENDED,
			 .fail = PHASE_ENDED,
			 .undoing = TRUE},
	[PHASE_UNDO] = {.name = "undoing",
			.effect = EFFECT_UNDO,
			.unit = UNIT_MEMBER,
			.need = ALL_UNDO,
			.clears = ALL_UNDO,
			.next = PHASE_ENDED,
			.fail = PHASE_ENDED,
			.undoing = TRUE},
	[PHASE_STAGE] = {.name = "preparing files",
			 .effect = EFFECT_STAGE,
			 .unit = UNIT_JOB,
			 .next = PHASE_SERVE,
			 .fail = PHASE_UNSERVE},
	[PHASE_SERVE] = {.name = "opening disks",
			 .effect = EFFECT_SERVE,
			 .unit = UNIT_MEMBER,
			 .sets = MEMBER_SERVED,
			 .next = PHASE_COPY,
			 .fail = PHASE_UNSERVE},
	[PHASE_COPY] = {.name = "copying",
			.effect = EFFECT_COPY,
			.unit = UNIT_DISK,
			.next = PHASE_FINISH,
			.fail = PHASE_STOP},
	[PHASE_STOP] = {.name = "stopping copies",
			.effect = EFFECT_CANCEL,
			.unit = UNIT_DISK,
			.next = PHASE_UNSERVE,
			.fail = PHASE_UNSERVE,
			.undoing = TRUE},
	[PHASE_FINISH] = {.name = "writing the manifest",
			  .effect = EFFECT_FINISH,
			  .unit = UNIT_JOB,
			  .next = PHASE_RELEASE,
			  .fail = PHASE_UNSERVE},
	[PHASE_RELEASE] = {.name = "releasing the point",
			   .effect = EFFECT_RELEASE,
			   .unit = UNIT_MEMBER,
			   .clears = MEMBER_SERVED,
			   .next = PHASE_ENDED,
			   .fail = PHASE_ENDED,
			   .commit = COMMIT_EXPORT,
			   .undoing = TRUE},
	[PHASE_UNSERVE] = {.name = "closing disks",
			   .effect = EFFECT_UNSERVE,
			   .unit = UNIT_MEMBER,
			   .need = MEMBER_SERVED,
			   .clears = MEMBER_SERVED,
			   .next = PHASE_UNSTAGE,
			   .fail = PHASE_UNSTAGE,
			   .undoing = TRUE},
	[PHASE_UNSTAGE] = {.name = "removing unfinished files",
			   .effect = EFFECT_UNSTAGE,
			   .unit = UNIT_JOB,
			   .next = PHASE_ENDED,
			   .fail = PHASE_ENDED,
			   .undoing = TRUE},
	[PHASE_RETAIN] = {.name = "removing old exports",
			  .effect = EFFECT_RETAIN,
			  .unit = UNIT_JOB,
			  .next = PHASE_ENDED,
			  .fail = PHASE_ENDED,
			  .commit = COMMIT_RETAIN},
	[PHASE_ENDED] = {.name = "ended"},
};

static const char *const effect_names[EFFECT_LAST] = {
	[EFFECT_NONE] = "none",	      [EFFECT_PREPARE] = "prepare", [EFFECT_WINDOW] = "window",
	[EFFECT_EXTENTS] = "extents", [EFFECT_CLEAN] = "clean",	    [EFFECT_UNDO] = "undo",
	[EFFECT_STAGE] = "stage",     [EFFECT_SERVE] = "serve",	    [EFFECT_COPY] = "copy",
	[EFFECT_CANCEL] = "cancel",   [EFFECT_SUSPEND] = "suspend", [EFFECT_RESUME] = "resume",
	[EFFECT_FINISH] = "finish",   [EFFECT_RELEASE] = "release", [EFFECT_UNSERVE] = "unserve",
	[EFFECT_UNSTAGE] = "unstage", [EFFECT_RETAIN] = "retain",
};

const char *
job_phase_name(enum job_phase phase)
{
	return job_rows[phase].name;
}

const char *
job_effect_name(enum job_effect_type type)
{
	return effect_names[type];
}
