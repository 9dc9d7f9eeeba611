/* The requests' handlers: one row of a table each, bound by name to control/requests.c. */
#pragma once

#include "cairnd/gate.h"
#include "cairnd/world.h"
#include "control/control.h"

struct schedule;
struct vm_entry;

struct daemon {
	struct config *config;
	struct world *world;
	struct engine *engine;
	struct control_server *server;
	struct gate *gate;
	gint64 started;	    /* monotonic, microseconds */
	gint64 clock_ahead; /* of the monotonic one, at the last tick */
	guint tick;	    /* source; 0 before the engine's start */
	guint tidy;	    /* the same */
};

/* Calls the handler; @user_data is the daemon. The gate has let the call through. */
void handlers_call(struct control_call *call, void *user_data);
/* Aborts if a request of the table has no handler, or the other way round. */
void handlers_check(void);

/* publish.c */
/* Tells the clients; takes @data over, as the engine and the world give it. */
void publish_event(struct daemon *daemon, const char *name, json_t *data);

/* handlers_groups.c */
/* As group-show and vm-list show them; new references. */
json_t *group_view(const struct daemon *daemon, const struct group *group);
json_t *vm_view(const struct daemon *daemon, const struct vm_entry *entry);
void handle_vm_list(struct daemon *daemon, struct control_call *call);
void handle_group_list(struct daemon *daemon, struct control_call *call);
void handle_group_show(struct daemon *daemon, struct control_call *call);
void handle_group_create(struct daemon *daemon, struct control_call *call);
void handle_group_add(struct daemon *daemon, struct control_call *call);
void handle_group_remove(struct daemon *daemon, struct control_call *call);
void handle_group_rename(struct daemon *daemon, struct control_call *call);
void handle_group_delete(struct daemon *daemon, struct control_call *call);
/* The argument "group"; NULL and the call is answered. */
struct group *arg_group(struct daemon *daemon, struct control_call *call);

/* handlers_limits.c */
void handle_limits_show(struct daemon *daemon, struct control_call *call);
void handle_limits_set(struct daemon *daemon, struct control_call *call);

/* handlers_jobs.c */
/* A new job of @kind with what all have: its owner, priority and time after its end. */
struct job *job_asked(const struct daemon *daemon, const struct control_call *call,
		      enum job_kind kind);
void handle_export(struct daemon *daemon, struct control_call *call);
void handle_backup(struct daemon *daemon, struct control_call *call);
/* handlers_retain.c */
void handle_retain(struct daemon *daemon, struct control_call *call);
void handle_point_create(struct daemon *daemon, struct control_call *call);
void handle_job_list(struct daemon *daemon, struct control_call *call);
/* With the properties of its CIM class; a new reference. */
json_t *job_whole_view(const struct daemon *daemon, const struct job *job);
void handle_job_control(struct daemon *daemon, struct control_call *call);

/* handlers_history.c */
void handle_job_show(struct daemon *daemon, struct control_call *call);
void handle_job_errors(struct daemon *daemon, struct control_call *call);
void handle_job_remove(struct daemon *daemon, struct control_call *call);
void handle_job_history(struct daemon *daemon, struct control_call *call);

/* handlers_schedules.c */
void handle_schedule_create(struct daemon *daemon, struct control_call *call);
void handle_schedule_list(struct daemon *daemon, struct control_call *call);
void handle_schedule_show(struct daemon *daemon, struct control_call *call);
void handle_schedule_set(struct daemon *daemon, struct control_call *call);
void handle_schedule_control(struct daemon *daemon, struct control_call *call);
void handle_schedule_delete(struct daemon *daemon, struct control_call *call);

/* schedule_args.c */
/* The arguments of schedule-create and schedule-set over what @schedule has; those that are absent
 * change nothing. INVALID, NOT_FOUND, DENIED; then @schedule is good for nothing but to be freed.
 */
gboolean schedule_arguments(struct daemon *daemon, const struct control_call *call,
			    struct schedule *schedule, GError **error);
/* Whether the arguments have a time of the day, an interval or days. */
gboolean arg_calendar_given(const struct control_call *call);
/* A point in time, in ISO 8601 or as CIM writes it (an interval is from now on); an empty one is 0.
 * Absent: nothing changes. INVALID. */
gboolean arg_time(const struct control_call *call, const char *name, gint64 *time, GError **error);

/* handlers_job_set.c */
void handle_job_set(struct daemon *daemon, struct control_call *call);

/* handlers_recovery.c */
/* The arguments on-failure, retries, retry-delay and recovery of requests that make jobs or
 * schedules. @ret->action, as it comes in, is what is done when on-failure is absent. Names are
 * looked up: INVALID, NOT_FOUND. @ret, overwritten on success, is the caller's: recovery_clear().
 */
gboolean arg_recovery(struct daemon *daemon, const struct control_call *call, struct recovery *ret,
		      GError **error);
/* The argument notify into @notify, which is freed; an empty one is NULL: nobody. Absent: nothing
 * changes. Addresses and URLs are checked against the configuration: INVALID, DENIED. */
gboolean arg_notify(const struct daemon *daemon, const struct control_call *call, char **notify,
		    GError **error);

/* handlers_args.c */
#define PRIORITY_MAX 1000000
#define RATE_MAX     ((guint64)1 << 50)	    /* bytes a second */
#define KEEP_MAX     ((guint64)366 * 86400) /* seconds */
/* Arguments were checked against the table: these cannot fail. NULL, 0 or FALSE when absent. */
const char *arg_string(const struct control_call *call, const char *name);
guint64 arg_uint(const struct control_call *call, const char *name, guint64 fallback);
gint64 arg_int(const struct control_call *call, const char *name, gint64 fallback);
gboolean arg_bool(const struct control_call *call, const char *name);
gboolean arg_given(const struct control_call *call, const char *name);
enum job_forget arg_forget(const struct control_call *call);
/* INVALID when it is given and above @max. */
gboolean arg_limited(const struct control_call *call, const char *name, guint64 max,
		     GError **error);
/* One of @words into @value, which is freed; when absent it stays, or is the first word. */
gboolean arg_word(const struct control_call *call, const char *name, const char *const *words,
		  char **value, GError **error);
/* format, compress and digest of requests that export, over the values that are there (NULL: the
 * default). INVALID. */
gboolean arg_images(const struct control_call *call, char **format, char **compress, char **digest,
		    GError **error);
/* "keep-last" and the like, over what is there. */
gboolean arg_retention(const struct control_call *call, struct retention *retention,
		       GError **error);
/* Goes on with @then when the folder "directory" can be exported to, or answers the call. */
void after_folder_check(struct daemon *daemon, struct control_call *call,
			void (*then)(struct daemon *daemon, struct control_call *call));
/* Answers with @error, which is freed. */
void call_fail(struct control_call *call, GError *error);
