/* The mirror's parts: mirror.c talks to cairnd, mirror_objects.c and mirror_tables.c keep
 * what it said. */
#pragma once

#include "cimd/model_private.h"

/* Objects of one kind, by id and in order. */
struct mirror_table {
	GHashTable *by_id;  /* id -> object; the array owns them */
	GPtrArray *ordered; /* by compare */
	GCompareFunc compare;
	GDestroyNotify free_object;
};

struct mirror {
	struct model *model;
	struct control_link *link;
	gboolean ready, filling, filled_once;
	guint64 fill;	  /* number of the filling under way, or of the last one */
	guint awaited;	  /* answers that the filling waits for */
	guint retry;	  /* source: a filling that failed begins again */
	gint64 vms_at;	  /* when the machines were told last, steady clock; 0: they are stale */
	gint64 vms_asked; /* when they were asked for; 0: not under way */
	gboolean vms_changed; /* told so since */
	GArray *waiters;      /* struct vm_waiter of mirror.c */
	struct mirror_table groups, points, jobs, vms;
};

void mirror_tables_init(struct mirror *mirror);
void mirror_tables_clear(struct mirror *mirror);
void mirror_member_free(void *member);
void mirror_disk_free(void *disk);
/* Takes @object over and frees the one that had its id, which is the object's own. */
void mirror_table_put(struct mirror_table *table, const char *id, void *object);
void mirror_table_remove(struct mirror_table *table, const char *id);
/* Removes what the last filling did not tell. */
void mirror_sweep(struct mirror *mirror);
/* One machine, as vm-list tells it. */
void mirror_apply_vm(struct mirror *mirror, const json_t *json);
void mirror_remove_vm(struct mirror *mirror, const char *id);
