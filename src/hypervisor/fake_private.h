/* What fake.c and fake_fault.c share. */
#pragma once

#include "hypervisor/driver.h"
#include "hypervisor/fake.h"

struct fake_point {
	char *name;
	GPtrArray *targets; /* char *: disks with a bitmap */
	gboolean begun;	    /* else prepare made it, and it is nobody's yet */
	gboolean broken;
};

struct fake_vm {
	struct hv_vm *facts; /* points is unused */
	gboolean frozen;
	gboolean suspended; /* by us */
	gboolean offline;   /* prepared while it was off */
	gboolean outlives;  /* it is there again when the program is started again */
	char *prepared;	    /* point whose scratch files are there */
	char *served;	    /* point that a server serves, while it is off */
	guint64 scratch, threshold;
	GPtrArray *points; /* struct fake_point */
};

struct fake_planned {
	guint countdown; /* this many matching calls from now; 0: the rule is about verbs */
	char *verb, *vm;
	guint times;
	enum fake_fault fault;
};

struct fake {
	GMutex lock;
	GCond cond;
	GHashTable *vms; /* UUID -> struct fake_vm */
	GPtrArray *sinks;
	GPtrArray *log;
	GPtrArray *plan;
	GPtrArray *uuids; /* all ever given out */
	guint hanging, releases;
};

/* Counts the call, and waits if it is to hang. *@ret_fault is set when it returns TRUE: fail. Call
 * with the lock held. */
gboolean fake_enter(struct fake *fake, const char *verb, const char *vm,
		    enum fake_fault *ret_fault);
/* fake_uri.c */
void fake_add_from_uri(struct fake *fake, const char *uri);
const char *fake_add_vm_as(struct fake *fake, const char *id, const char *name, enum hv_state state,
			   gboolean agent);
struct fake_vm *fake_find(struct fake *fake, const char *vm);
void fake_emit(struct fake *fake, enum hv_event_type type, const char *vm, const char *message);
void fake_planned_free(struct fake_planned *planned);
void fake_point_free(struct fake_point *point);
struct fake_point *fake_point_of(struct fake_vm *vm, const char *name);
