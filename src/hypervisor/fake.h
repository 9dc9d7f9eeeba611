/* The fake hypervisor, for tests: machines in memory that know whether they are frozen, paused or
 * hold data, and a plan of faults. "fake:///NAME" is one host; it outlives its connections, as a
 * real one does, until fake_drop(); fake_uri.c tells how the URI gives it machines. All functions
 * may be called from any thread. */
#pragma once

#include "hypervisor/hypervisor.h"

struct fake;

/* The host of @uri, made when it is not there. */
struct fake *fake_host(const char *uri);
void fake_drop(const char *uri);

/* Machines. @vm is a UUID as returned by fake_add_vm(), which stays valid until fake_drop(). */
const char *fake_add_vm(struct fake *fake, const char *name, enum hv_state state, gboolean agent);
void fake_add_disk(struct fake *fake, const char *vm, const char *target, guint64 size,
		   gboolean trackable);
void fake_remove_disk(struct fake *fake, const char *vm, const char *target);
void fake_remove_vm(struct fake *fake, const char *vm);
/* Somebody else's job; NULL: none. */
void fake_set_busy(struct fake *fake, const char *vm, const char *why);
/* What happens to machines from outside; events are sent before these return. */
void fake_start(struct fake *fake, const char *vm);
void fake_stop(struct fake *fake, const char *vm);
void fake_crash(struct fake *fake, const char *vm);	  /* bitmaps are lost */
void fake_pause(struct fake *fake, const char *vm);	  /* by a person */
void fake_thaw_itself(struct fake *fake, const char *vm); /* as Windows does after 10 s */
void fake_end_job(struct fake *fake, const char *vm);
void fake_fill_scratch(struct fake *fake, const char *vm, guint64 bytes);
void fake_disconnect(struct fake *fake);

/* What is so now. */
enum hv_state fake_state(struct fake *fake, const char *vm);
gboolean fake_frozen(struct fake *fake, const char *vm);
/* NULL or the name of the point whose data is held; valid until the next call about @vm. */
const char *fake_held(struct fake *fake, const char *vm);
gboolean fake_has_point(struct fake *fake, const char *vm, const char *name);
/* "verb UUID" for each call that came in, oldest first; free with g_strfreev(). */
char **fake_log(struct fake *fake);
/* Number of calls of @verb ("begin", ...; NULL: all). list, lookup and address are not counted. */
guint fake_calls(struct fake *fake, const char *verb);

/* Faults. A failing call returns PEER. */
enum fake_fault {
	FAKE_FAIL,	 /* nothing is done */
	FAKE_FAIL_AFTER, /* it is done, and fails all the same (the answer was lost) */
	FAKE_HANG,	 /* it blocks until fake_release(), then as FAKE_FAIL */
};
/* The @nth counted call from now, 1 for the next. */
void fake_fail_call(struct fake *fake, guint nth, enum fake_fault fault);
/* The next @times calls of @verb (NULL: any) on @vm (NULL: any). */
void fake_fail_verb(struct fake *fake, const char *verb, const char *vm, guint times,
		    enum fake_fault fault);
void fake_clear_faults(struct fake *fake);
/* Waits until @count calls hang. FALSE after @usec. */
gboolean fake_wait_hanging(struct fake *fake, guint count, gint64 usec);
void fake_release(struct fake *fake);

/* What is left over: frozen or paused by us, held data, scratch, servers, checkpoints that belong
 * to no begun point. NULL when clean, else text to free with g_free(). Held data is fine with
 * @may_hold. */
char *fake_unclean(struct fake *fake, gboolean may_hold);
/* Ends the program with that text. */
void fake_assert_clean(struct fake *fake);
