/* An engine with a few groups, a memory store and a clock that tests set, whose effects wait until
 * they are answered. */
#pragma once

#include "cairnd/engine.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"

#define QUEUE_HOUR   ((gint64)3600 * G_USEC_PER_SEC)
#define QUEUE_GROUPS 4

struct asked {
	char *job;
	struct job_effect effect;
};

struct queue_fixture {
	char *name; /* of the store */
	struct store *store;
	struct engine *engine;
	gint64 now;
	GPtrArray *asked; /* struct asked: effects, oldest first */
	guint commits;
};

/* Opens the engine over what the store has; it is not started. */
void queue_boot(struct queue_fixture *fixture);
/* As if it were killed: what it had asked for is never answered. */
void queue_halt(struct queue_fixture *fixture);
/* With QUEUE_GROUPS groups "a", "b", ... of one machine each; that of "d" is on another host. */
void queue_open_engine(struct queue_fixture *fixture);
void queue_close_engine(struct queue_fixture *fixture);
/* @value negative: null. */
void queue_set_limit(struct queue_fixture *fixture, const char *name, gint64 value);
struct job *queue_job_of(struct queue_fixture *fixture, const char *id);
/* Free with job_free(), or submit it. */
struct job *queue_new_job(guint group, enum job_kind kind);
/* Returns its number. */
guint64 queue_submit(struct queue_fixture *fixture, struct job *job);
guint64 queue_submit_point(struct queue_fixture *fixture, guint group, guint64 priority);
/* Answers the oldest effect of @type with success; TRUE: there was one. */
gboolean queue_answer(struct queue_fixture *fixture, enum job_effect_type type,
		      const struct effect_reply *reply);
void queue_answer_all(struct queue_fixture *fixture, enum job_effect_type type);
/* Effects of @type that are not answered. */
guint queue_count(const struct queue_fixture *fixture, enum job_effect_type type);
/* The running point jobs end well; each machine has three disks. */
void queue_take_points(struct queue_fixture *fixture);
/* Of the newest point of the group, taken if there is none; until its copies may begin. Returns the
 * job's GUID; free with g_free(). */
char *queue_begin_export(struct queue_fixture *fixture, guint group, guint64 priority);
/* All running exports end well. */
void queue_end_export(struct queue_fixture *fixture);
