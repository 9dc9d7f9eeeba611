/* A history of the engine in the world of engine_world.h: it is begun, killed and begun again over
 * the same store, and at the end it must still be able to work. */
#pragma once

#include "engine_world.h"

struct history {
	struct world world;
	struct store *store;
	char *name; /* of the store */
	guint commits;
	guint kill_nth; /* the daemon is killed at this commit; 0: never */
	gboolean kill_before;
	guint store_fails; /* percent of commits that fail for a moment */
	guint kills;
	guint moved; /* jobs in the history of jobs, at most */
};

/* Two groups; the second has only the first machine of the first one. */
void history_start(struct history *history, struct sim *sim);
/* All comes to an end, the next backups work and are right, and nothing is left. */
void history_finish(struct history *history);
/* The daemon is killed and starts again. */
void history_reboot(struct history *history);
/* Each job that was ever accepted is either one or in the history of jobs, and found there. */
void history_check_jobs(struct history *history);
/* People go away and nothing fails any more: all that was begun comes to an end. */
void history_calm_down(struct history *history);

/* Somebody asks anything of any job. */
void history_control_job(struct world *world);
/* Seconds pass. */
void history_pass_time(struct world *world);
struct job *history_point_job(struct world *world, guint group);
/* @point NULL: to be taken by another job. */
struct job *history_export_job(struct world *world, const char *group, const struct point *point,
			       const char *folder);
/* Takes a point and exports it. */
struct job *history_retain_job(struct world *world, guint group, const char *folder, guint64 last);
gboolean history_back_up(struct world *world, guint group, const char *folder, char **ret_id,
			 GError **error);
