/* The world of the engine's simulation: guests whose disks are a few blocks, their checkpoints and
 * held data, folders of exports, and the effects that act on them, at any time, in any order, half
 * or not at all. Its guests and folders stay when the daemon is killed. */
#pragma once

#include "cairnd/engine.h"
#include "sim.h"

#define GUESTS	   3
#define BLOCKS	   16
#define BLOCK_SIZE 65536
#define FOLDERS	   2

struct bitmap {
	char *name; /* of the checkpoint */
	guint dirty;
};

struct guest {
	const char *id;
	gboolean running, off; /* neither: paused by a person */
	gboolean stopped, frozen;
	guint32 blocks[BLOCKS];
	GPtrArray *bitmaps;  /* struct bitmap */
	char *backup;	     /* name of the point whose data is held; NULL */
	GHashTable *scratch; /* set of point names whose scratch files exist */
	char *served;
	guint pausing; /* windows that have stopped it and not resumed it yet */
};

/* One disk of each guest at one point: as it was, or as it was exported. */
struct image {
	guint32 blocks[GUESTS][BLOCKS];
	char *point, *group;
	guint64 number;
};

/* An effect that was asked and not answered, or a debt to be paid. */
struct op {
	char *job_id;
	struct job *job; /* a copy, as it was asked; NULL: a debt */
	struct job_effect effect;
	struct debt *debt;
	struct errand *errand; /* what is set of it: id, type, target, job */
	GPtrArray *debts;      /* PREPARE: owed on the machine */
	char **keep;
	char *prev, *base; /* point GUIDs */
	gboolean cancelled, suspended;
	guint stage; /* WINDOW: 1 when the guests stand still */
};

struct world {
	struct sim *sim;
	struct engine *engine;
	gboolean dead;	     /* the daemon was killed: nothing is heard or done any more */
	gboolean peaceful;   /* nothing fails */
	gboolean short_life; /* ended jobs leave memory within seconds */
	gboolean away;	     /* the host has not answered since the daemon's start */
	guint fail_chance;   /* percent */
	struct guest guests[GUESTS];
	GHashTable *truth;	     /* point GUID -> struct image: what it must hold */
	GHashTable *changes;	     /* "POINT/VM/PREV" -> dirty blocks at begin */
	GPtrArray *exports[FOLDERS]; /* struct image: whole exports */
	GHashTable *staging;	     /* set of folders of unfinished exports */
	GPtrArray *ops;		     /* struct op */
	GHashTable *told;	     /* "TYPE TARGET JOB" -> how often it was done */
	GHashTable *refused;	     /* the same -> how often it failed */
	guint32 writes, points_exported, increments;
};

void world_init(struct world *world, struct sim *sim);
void world_clear(struct world *world);
extern const struct engine_io world_io;
const char *world_folder(guint index);

/* A random guest that runs writes a block. */
void world_write(struct world *world);
/* Does a random operation, or a part of it, and answers it. */
void world_answer(struct world *world);
/* How often an errand after the end of @job was done, or failed. */
guint world_told(const struct world *world, const char *job, enum errand_type type,
		 gboolean refused);
/* Kills the daemon: what is under way is done, or half done, or not. */
void world_kill(struct world *world);
/* What the hypervisors tell at start, told to the engine. */
void world_reconcile(struct world *world);
/* The held data of @guest is lost, and the engine hears of it. */
void world_lose(struct world *world, struct guest *guest);
/* No guest is frozen or paused by us, and nothing of ours is there that the engine does not know.
 */
void world_check(struct world *world);
