/* Where the conformance script of the hypervisor drivers runs: the fake, or a lab with real guests.
 */
#pragma once

#include "hypervisor/hypervisor.h"

struct world {
	gboolean real;
	const char *uri;
	char *dir; /* scratch files and sockets; QEMU can enter it */
	struct hypervisor *hv;
	char *vm[3];   /* UUIDs; 0 and 1 have an agent, 2 has none and a raw disk vdc */
	char *name[3]; /* in the lab */
	/* Done from outside, as a person would. */
	void (*start)(struct world *world, guint n); /* may be refused */
	void (*stop)(struct world *world, guint n);
	void (*crash)(struct world *world, guint n);
	void (*pause)(struct world *world, guint n);
	void (*unpause)(struct world *world, guint n);
	void (*write)(struct world *world, guint n); /* some hundred KiB to vda, durably */
	void (*restart)(struct world *world); /* libvirtd, by kill -9, and with the start hook from
					       * then on; NULL */
	char *(*start_error)(struct world *world, guint n); /* starts it in vain: what is said */
	/* Somebody else's backup job with a checkpoint "other-1". */
	void (*foreign_begin)(struct world *world, guint n);
	void (*foreign_end)(struct world *world, guint n); /* asserts that it was still there */
	void (*lose_metadata)(struct world *world, guint n, const char *name);
	/* When libvirt last made or removed a checkpoint of it, nanoseconds; 0: never. */
	gint64 (*checkpoints_changed)(struct world *world, guint n);
	/* What qemu-img says of its disk vda. */
	char *(*image_info)(struct world *world, guint n);
};

/* world.real says which; ends the program when it cannot be made. */
void world_open_fake(struct world *world);
void world_open_lab(struct world *world, const char *lab);
void world_close(struct world *world);

/* Waits for an event about machine @n (any when G_MAXUINT); fails the test after 180 s. */
void world_expect(struct world *world, enum hv_event_type type, guint n);
void world_forget_events(void);

/* Runs a program and returns what it printed; fails the test when it fails, unless @may_fail: NULL.
 */
char *world_run(gboolean may_fail, const char *program, ...) G_GNUC_NULL_TERMINATED;
