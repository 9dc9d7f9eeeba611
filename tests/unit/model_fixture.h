/* A small cairnd over a real socket: groups, points, jobs and machines as JSON, told as the daemon
 * tells them, and a model that mirrors it, in the loop of the test's main thread. */
#pragma once

#include "cimd/model_private.h"
#include "control/control.h"

#define DEADLINE_MS 120000
#define HOST	    "HOST"

struct fixture {
	char *dir, *socket;
	struct control_server *server;
	struct cim_schema *schema;
	struct model *model;
	json_t *groups, *points, *jobs, *schedules, *vms; /* arrays */
	json_t *errors;					  /* what job-errors answers; NULL: none */
	GPtrArray *held; /* struct control_call of "vm-list", when hold_vms */
	gboolean hold_vms, fail_groups;
	guint vm_lists, access_asked, job_lists; /* requests of that kind */
	char *last_request, *last_as;		 /* of the last that is not a read */
	json_t *last_arguments;
	GString *told; /* "+Class ~Class -Class " for each change in the first namespace */
	struct cim_instance *before, *after; /* of the last change */
};

void set_up(struct fixture *f, gconstpointer unused);
void tear_down(struct fixture *f, gconstpointer unused);
/* Ends the daemon, and starts it again. */
void stop_daemon(struct fixture *f);
void start_daemon(struct fixture *f);
void start_model(struct fixture *f, guint build);
void wait_ready(struct fixture *f, gboolean ready);
/* Runs the loop until what was sent before has been dealt with by the model. */
void settle(struct fixture *f);

/* GUIDs for tests: a letter and a number, the same for the same; good for 63 more calls. */
const char *guid(char kind, guint number);
json_t *make_vm(guint number, const char *state, guint disks);
json_t *make_group(guint number, const char *name, guint first_vm, guint vms);
/* Of all machines of group @group_number (1 + 2 machines by default). */
json_t *make_point(guint number, guint group_number, const char *group_name, guint first_vm,
		   guint vms);
/* As job-show tells it. */
json_t *make_job(guint number, gboolean is_export, guint state, guint group_number, guint point,
		 guint base);
/* Puts it in the place of the one with its id, or behind the others. */
void put(json_t *array, json_t *object);
void take_out(json_t *array, const char *id);
void tell(struct fixture *f, const char *event, json_t *data);

/* Does @op and clears it; waits for the answer. */
struct cim_reply run_as(struct fixture *f, struct cim_op *op, const char *user);
struct cim_reply run_op(struct fixture *f, struct cim_op *op);
/* The number of instances; frees the list. */
guint drain(struct cim_reply *reply);
struct cim_instance *get(struct fixture *f, enum cim_namespace_id ns, const char *path);
struct cim_reply enumerate(struct fixture *f, enum cim_namespace_id ns, const char *class_name);
struct cim_reply query(struct fixture *f, const char *text);
/* As a client writes it; free with g_free(). */
char *path_of_job(guint number, gboolean is_export);
/* Of a numeric property that is set. */
guint64 number_of(const struct cim_instance *instance, const char *name);
/* Clears @reply. */
void assert_status(struct cim_reply *reply, enum cim_status status);
