/* What the model's files share: cairnd's objects in the mirror, objects as CIM sees them, the
 * tables of bindings, and the run of one operation. Private to model.c, mirror*.c, bind*.c,
 * associations*.c and methods_*.c. */
#pragma once

#include "cimd/model.h"

#include <jansson.h>

#define MODEL_VM_AGE_USEC     G_USEC_PER_SEC /* machines are asked for again when older */
#define MODEL_ACCESS_AGE_USEC (5 * G_USEC_PER_SEC)
#define MODEL_QUERY_USEC      (2 * G_USEC_PER_SEC) /* that one query may take */
#define MODEL_ACCESS_MAX      1024		   /* users remembered; then all are forgotten */
#define MODEL_JOB_PAGE	      500		   /* jobs of one answer */

/* ---- the mirror: what cairnd has ---- */

/* All ids are GUIDs in upper case. Instances are the same for all namespaces, and NULL where the
 * build has no such class. */
struct mirror_group {
	char *id, *name;
	char **members; /* GUIDs of machines */
	struct cim_instance *instance;
	guint64 seen; /* of the filling in which it was told last */
};

struct mirror_member {
	char *vm;
	struct cim_instance *instance; /* Msvm_VirtualSystemReferencePoint */
};

struct mirror_point {
	char *id, *group;
	char *name; /* "web@3" */
	guint64 number;
	gboolean held;
	gint64 exported;    /* when last, microseconds since 1970; 0: never */
	GPtrArray *members; /* struct mirror_member */
	struct cim_instance *instance;
	guint64 seen;
};

struct mirror_job {
	char *id;
	guint64 number;
	gboolean is_export;
	gboolean is_schedule; /* shown as an export job that waits */
	char *last_run;	      /* of a schedule: the export job of its newest run; NULL */
	guint state;	      /* CIM_ConcreteJob.JobState as cairnd has it */
	gboolean ended;
	char *group, *point, *base; /* GUIDs; base may be NULL, point while it is not known */
	gint64 elapsed_usec, told;  /* ElapsedTime at that moment of the steady clock */
	gboolean ticking;	    /* it goes on from there */
	struct cim_instance *instance;
	guint64 seen;
};

struct mirror_disk {
	char *target;
	struct cim_instance *drive, *disk; /* resource and storage settings */
};

struct mirror_vm {
	char *id, *name;
	json_t *json; /* as vm-list tells it */
	GPtrArray *disks;
	struct cim_instance *system, *settings;
	guint64 seen;
};

struct mirror;
struct mirror_table; /* objects of one kind in order */

/* What became of an object: told for jobs, groups, points. */
typedef void (*mirror_change_fn)(struct cim_instance *before, struct cim_instance *after,
				 void *user_data);

struct mirror *mirror_new(struct model *model, const char *socket);
void mirror_free(struct mirror *mirror);
/* Filled, and connected. */
gboolean mirror_ready(const struct mirror *mirror);
/* Connected, and being filled: it will be ready, or lost, soon. */
gboolean mirror_filling(const struct mirror *mirror);
struct control_link *mirror_link(const struct mirror *mirror);

/* By GUID in any case; NULL when there is none. Borrowed until the loop runs again. */
struct mirror_group *mirror_group(const struct mirror *mirror, const char *id);
struct mirror_point *mirror_point(const struct mirror *mirror, const char *id);
struct mirror_job *mirror_job(const struct mirror *mirror, const char *id);
struct mirror_vm *mirror_vm(const struct mirror *mirror, const char *id);
/* All, of the types above: groups and machines by name, points by time, jobs by number. */
const GPtrArray *mirror_groups(const struct mirror *mirror);
const GPtrArray *mirror_points(const struct mirror *mirror);
const GPtrArray *mirror_jobs(const struct mirror *mirror);
const GPtrArray *mirror_vms(const struct mirror *mirror);

/* A request's answer is put in before the client hears of it. Each takes what requests.c calls
 * "group", "point", "job" (with "properties"). What does not look like one is ignored. */
void mirror_apply_group(struct mirror *mirror, const json_t *json);
void mirror_apply_point(struct mirror *mirror, const json_t *json);
void mirror_apply_job(struct mirror *mirror, const json_t *json);
void mirror_apply_schedule(struct mirror *mirror, const json_t *json);
void mirror_apply_vms(struct mirror *mirror, const json_t *list);
void mirror_remove_group(struct mirror *mirror, const char *id);
void mirror_remove_point(struct mirror *mirror, const char *id);
void mirror_remove_job(struct mirror *mirror, const char *id);

/* A new reference; of a running job with ElapsedTime of now. */
struct cim_instance *mirror_job_instance(const struct mirror *mirror, const struct mirror_job *job);
/* Whether the machines are as old as they may be, at most. */
gboolean mirror_vms_fresh(const struct mirror *mirror);
/* Asks for them, unless that is under way already; @done once, later, also on failure. */
void mirror_refresh_vms(struct mirror *mirror, void (*done)(void *user_data), void *user_data);
/* @done is not called any more. */
void mirror_refresh_cancel(struct mirror *mirror, void *user_data);

/* ---- objects: an instance and what it stands for ---- */

enum object_type {
	OBJECT_NONE,
	OBJECT_HOST,	  /* Msvm_ComputerSystem */
	OBJECT_VM,	  /* Msvm_ComputerSystem */
	OBJECT_SETTINGS,  /* Msvm_VirtualSystemSettingData of a machine */
	OBJECT_DRIVE,	  /* Msvm_ResourceAllocationSettingData of a disk */
	OBJECT_DISK,	  /* Msvm_StorageAllocationSettingData of a disk */
	OBJECT_GROUP,	  /* Msvm_VirtualSystemCollection */
	OBJECT_POINT,	  /* Msvm_ReferencePointCollection */
	OBJECT_MEMBER,	  /* Msvm_VirtualSystemReferencePoint: a machine's part of a point */
	OBJECT_JOB,	  /* Msvm_ConcreteJob, Msvm_CollectionReferencePointExportJob */
	OBJECT_SERVICE,	  /* the singletons */
	OBJECT_PROFILE,	  /* Msvm_RegisteredProfile */
	OBJECT_NAMESPACE, /* __Namespace, CIM_Namespace, CIM_WBEMServerNamespace */
	OBJECT_MANAGER,	  /* CIM_ObjectManager, CIM_IndicationService */
	OBJECT_LAST,
};

/* Borrowed, valid until the loop runs again; plain data. */
struct object {
	enum object_type type;
	guint which; /* OBJECT_SERVICE and further: row of its table */
	const struct mirror_group *group;
	const struct mirror_point *point;
	const struct mirror_member *member;
	const struct mirror_job *job;
	const struct mirror_vm *vm;
	const struct mirror_disk *disk;
};

/* One type of objects: a bind_*.c has them. */
struct object_driver {
	const char *classes[6]; /* of its instances, NULL terminated */
	gboolean needs_vms;	/* the list of machines must be fresh */
	/* Appends all to @ret (struct object). */
	void (*list)(const struct model *model, enum cim_namespace_id ns, GArray *ret);
	const char *key; /* the main one, by which alone find() finds; NULL: there is none */
	/* The one that @path may mean, by its main key: keys are compared afterwards. NULL: all
	 * are compared. */
	gboolean (*find)(const struct model *model, const struct cim_path *path,
			 struct object *ret);
	/* A new reference; NULL when the build has no such class. */
	struct cim_instance *(*instance)(const struct model *model, enum cim_namespace_id ns,
					 const struct object *object);
};
extern const struct object_driver host_driver, vm_driver, settings_driver, drive_driver,
	disk_driver, group_driver, point_driver, member_driver, job_driver, service_driver,
	profile_driver, namespace_driver, manager_driver;
const struct object_driver *object_driver(enum object_type type);

/* object.which of an OBJECT_SERVICE. */
enum service_id {
	SERVICE_GROUPS,		 /* Msvm_CollectionManagementService */
	SERVICE_POINTS,		 /* Msvm_CollectionReferencePointService */
	SERVICE_MEMBERS,	 /* Msvm_VirtualSystemReferencePointService */
	SERVICE_GROUP_SNAPSHOTS, /* Msvm_CollectionSnapshotService */
	SERVICE_SNAPSHOTS,	 /* Msvm_VirtualSystemSnapshotService */
};

/* For hash tables of struct object. */
guint object_hash(gconstpointer object);
gboolean object_equal(gconstpointer a, gconstpointer b);

/* A new reference, or NULL when @ns has no such class. */
struct cim_instance *object_instance(const struct model *model, enum cim_namespace_id ns,
				     const struct object *object);
/* The path with host and namespace; NULL as above. */
struct cim_path *object_path(const struct model *model, enum cim_namespace_id ns,
			     const struct object *object);
/* What @path names. A namespace in it goes before @ns; the host is not looked at.
 * CIM_ERR_INVALID_NAMESPACE, INVALID_CLASS, NOT_FOUND. */
gboolean object_find(const struct model *model, enum cim_namespace_id ns,
		     const struct cim_path *path, struct object *ret_object, GError **error);
/* Whether @driver has instances of @class itself. */
gboolean object_driver_has(const struct object_driver *driver, const struct cim_class *class);
/* Whether @path has the keys of @instance and no others. */
gboolean object_has_keys(const struct cim_instance *instance, const struct cim_path *path);
/* Puts the namespace that @path names, if it names one, in the place of *@ns. */
gboolean object_namespace(enum cim_namespace_id *ns, const struct cim_path *path, GError **error);
/* The text of a key, also of the only one when it has no name; NULL. */
const char *object_key(const struct cim_path *path, const char *name);
/* "Cairn:VM\TARGET", the instance id of a disk, as "VM:TARGET", which requests take; NULL when it
 * is none. Free with g_free(). */
char *object_disk_argument(const char *instance_id);

/* ---- bindings: where a property's value comes from ---- */

struct bind_source {
	const struct model *model;
	enum cim_namespace_id ns;
	const struct object *object; /* or NULL */
	const json_t *json;	     /* what cairnd says about it; NULL of what never changes */
	const json_t *part;	     /* the member or the disk meant; NULL */
	const char *text;	     /* of this instance alone: a name; NULL */
	const char *class_name;	     /* filled in by bind_build() */
};

struct bind_property {
	const char *name;
	/* The value, of @member's type and shape or NULL. */
	struct cim_value (*get)(const struct bind_source *source, const struct cim_member *member,
				const char *argument);
	const char *argument;
};

#define BIND_PARTS 4
struct bind_class {
	const char *name;
	/* Tables, each ended by a NULL name; the first that has a property binds it. */
	const struct bind_property *parts[BIND_PARTS];
};
/* Every class that has instances (but for associations), ended by NULL. */
extern const struct bind_class *const bind_classes[];
extern const struct bind_class bind_system, bind_host_system, bind_settings, bind_drive, bind_disk,
	bind_group, bind_point, bind_member, bind_export_job, bind_concrete_job, bind_group_service,
	bind_point_service, bind_member_service, bind_group_snapshot_service, bind_snapshot_service,
	bind_profile, bind_namespace, bind_cim_namespace, bind_server_namespace,
	bind_object_manager, bind_indication_service;

/* The value in the argument: a number, a text; of arrays, elements with '|' between them. */
struct cim_value bind_constant(const struct bind_source *source, const struct cim_member *member,
			       const char *argument);
/* The member of that name of source->json, or of source->part. */
struct cim_value bind_json(const struct bind_source *source, const struct cim_member *member,
			   const char *argument);
struct cim_value bind_part(const struct bind_source *source, const struct cim_member *member,
			   const char *argument);
/* Never set; the argument says why. */
struct cim_value bind_unset(const struct bind_source *source, const struct cim_member *member,
			    const char *argument);
/* The host's name. */
struct cim_value bind_host(const struct bind_source *source, const struct cim_member *member,
			   const char *argument);
/* source->text. */
struct cim_value bind_text(const struct bind_source *source, const struct cim_member *member,
			   const char *argument);
/* The class's own name. */
struct cim_value bind_class_name(const struct bind_source *source, const struct cim_member *member,
				 const char *argument);
/* @json as @member's type: numbers in range, ISO 8601 as datetimes; NULL where it does not fit. */
struct cim_value bind_value(const json_t *json, const struct cim_member *member);

/* What all managed elements of cairn share: status words of something that is well. */
extern const struct bind_property bind_well[];
/* CIM_EnabledLogicalElement: on, and nothing else to say. */
extern const struct bind_property bind_enabled[];

/* A new instance, every property by its binding; NULL when the schema has no such class. */
struct cim_instance *bind_build(const struct bind_class *bind, const struct bind_source *source);
void bind_plan_free(void *plan); /* of model->plans */
/* The binding of a property, or NULL: then the schema must say why it is unset. */
const struct bind_property *bind_find(const struct bind_class *bind, const char *property);

/* ---- what the mirror makes of JSON, by the bind_*.c ---- */

struct cim_instance *bind_group_instance(const struct model *model, const json_t *group);
struct cim_instance *bind_point_instance(const struct model *model, const json_t *point);
struct cim_instance *bind_member_instance(const struct model *model, const json_t *point,
					  const json_t *member);
struct cim_instance *bind_job_instance(const struct model *model, const json_t *job);

/* ---- associations ---- */

/* Two objects that an association ties, in the order of its roles. */
struct pair {
	const struct association *association;
	struct object ends[2];
};

struct association {
	const char *class_name;
	const char *roles[2];
	enum object_type types[2];
	/* Appends (struct object) to @ret what stands opposite of @object: from the first end to
	 * the second, and back. */
	void (*right)(const struct model *model, const struct object *object, GArray *ret);
	void (*left)(const struct model *model, const struct object *object, GArray *ret);
	/* What else there is to say of a pair, as a number, and how it is said; or NULL. */
	guint (*detail)(const struct pair *pair);
	void (*fill)(guint detail, struct cim_instance *instance);
	gboolean left_is_interop; /* the first end is shown in the interop namespace */
};
/* Ended by a NULL class. A class may stand in several rows. */
extern const struct association associations[];

struct association_ask {
	enum cim_namespace_id ns;
	struct object object;
	/* NULL: any. */
	const struct cim_class *assoc_class, *result_class;
	const struct cim_class *reference_class; /* ResultClass of REFERENCES */
	const char *role, *result_role;
	const char *qualifier, *assoc_qualifier; /* that the result, the association must have */
};

/* All pairs of @class and, unless @exact, of its descendants. */
struct cim_list *associations_enumerate(const struct model *model, enum cim_namespace_id ns,
					const struct cim_class *class, gboolean exact);
/* The reference that @path names; NULL when there is none. */
struct cim_instance *associations_get(const struct model *model, enum cim_namespace_id ns,
				      const struct cim_class *class, const struct cim_path *path);
gboolean associations_need_vms(const struct model *model, const struct association_ask *ask);
struct cim_list *associations_references(const struct model *model,
					 const struct association_ask *ask);
/* Of struct cim_instance references; each once. */
GPtrArray *associations_others(const struct model *model, const struct association_ask *ask);

/* ---- one operation under way ---- */

struct run;
typedef void (*run_step_fn)(struct run *run);
/* @value is borrowed; NULL with @error. The mirror knows of it before. */
typedef void (*run_answer_fn)(struct run *run, const json_t *value, const GError *error);

struct run {
	struct model *model;
	const struct cim_op *op; /* the caller's */
	enum cim_op_kind kind;	 /* op->kind, or what is opened */
	enum cim_namespace_id ns;
	char *user;
	struct cim_reply reply; /* filled as it goes */
	void *state;		/* of a method in several steps; freed with free_state */
	GDestroyNotify free_state;
	/* model.c's own */
	model_done_fn done;
	void *user_data;
	run_step_fn step; /* what it waits to do; NULL while cairnd is asked */
	gboolean over, gone, inside;
	GPtrArray *questions; /* whose answers are to come from cairnd; NULL: none yet */
};

/* The end, once: run->reply is the answer. @run may be gone afterwards. */
void run_end(struct run *run);
/* The same with an error; takes @error over. CAIRN_ERROR or CIM_ERROR. */
void run_fail(struct run *run, GError *error);
void run_refuse(struct run *run, enum cim_status status, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
/* Ends an INVOKE with its return value; out parameters were added before. */
void run_return(struct run *run, guint64 code);
/* Asks cairnd in the name of the run's user; takes @arguments over (may be NULL). @answer comes
 * later, and not at all when the client has gone meanwhile. */
void run_request(struct run *run, const char *request, json_t *arguments, run_answer_fn answer);
/* The same in the front end's own name. */
void run_read(struct run *run, const char *request, json_t *arguments, run_answer_fn answer);

/* The operations, by the model_*.c; each ends the run, now or later. */
void run_get_instance(struct run *run);
void run_enumerate(struct run *run);
void run_associations(struct run *run);
void run_query(struct run *run);
void run_get_property(struct run *run);
void run_create(struct run *run);
void run_modify(struct run *run);
void run_set_property(struct run *run);
void run_delete(struct run *run);
void run_invoke(struct run *run);
void run_get_class(struct run *run);
void run_enumerate_classes(struct run *run);
void run_qualifiers(struct run *run);
/* ASSOCIATORS and REFERENCES of a class: classes. */
void run_class_associations(struct run *run, const struct cim_class *class);
/* Whether what the run reads depends on the list of machines. */
gboolean run_needs_vms(const struct run *run);
/* The class of that name in the run's namespace; NULL after ending the run with INVALID_CLASS. */
const struct cim_class *run_class(struct run *run, const char *name);
/* The class of a filter of associations, @role for the words: *@ret_class stays NULL when none was
 * said. FALSE after ending the run with INVALID_PARAMETER. */
gboolean run_filter_class(struct run *run, const char *role, const char *name,
			  const struct cim_class **ret_class);
/* Goes on with @then, when the user may read; ends it otherwise. */
void run_check_access(struct run *run, run_step_fn then);

/* ---- methods ---- */

/* run->op->object is the instance (or the class, of a static one), found already as @object; a
 * missing argument is NULL in cim_op_argument(). Ends the run, now or later. */
typedef void (*method_fn)(struct run *run, const struct object *object);
struct method_binding {
	const char *class_name; /* it and its descendants */
	const char *method;
	method_fn call;
};
/* Tables of methods_*.c, each ended by a NULL class; ended by NULL. */
extern const struct method_binding *const method_tables[];

/* ---- the model ---- */

struct model {
	const struct cim_schema *schema;
	const struct languages *languages;
	char *host;
	model_change_fn change;
	void *user_data;
	struct mirror *mirror;
	GHashTable *plans;    /* struct bind_class -> plan of bind.c */
	GHashTable *access;   /* user -> struct access of model_access.c */
	GPtrArray *runs;      /* struct run, under way */
	GPtrArray *job_waits; /* struct job_wait of job_wait.c: runs that wait for a job */
};

/* CIM_ERR_INVALID_PARAMETER for what MinValue, MaxValue, MaxLen or Required of @member forbid. */
gboolean model_check_value(const struct cim_member *member, const struct cim_value *value,
			   GError **error);
/* write_job.c: one writable property of a job as an argument of job-set, schedule-set or
 * schedule-create. CIM_ERR_NOT_SUPPORTED when it cannot be written, INVALID_PARAMETER. */
gboolean write_job_put(const struct cim_member *member, const struct cim_value *value,
		       json_t *arguments, GError **error);
/* Those of job-set into those of schedule-set and schedule-create. */
void write_job_of_schedule(json_t *arguments);
/* The class of that name in any namespace, or NULL. */
const struct cim_class *model_class(const struct model *model, const char *name);
/* Tells that an object came, changed or went, in each namespace that has its class. */
void model_changed(struct model *model, struct cim_instance *before, struct cim_instance *after);
/* The mirror was told of a job, or that it is gone: runs that wait for its state go on. */
void job_waits_told(struct model *model, const char *id);
/* The mirror became ready, or was lost: runs that wait for that go on. */
void model_wake(struct model *model);
/* "nobody has a role": the users whose roles are remembered, model_access.c. */
GHashTable *model_access_new(void);
