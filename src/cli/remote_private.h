/* What the remote_*.c share. Instances are JSON objects: {"__CLASS": NAME, PROPERTY: text, array of
 * text, null, or for a reference {"class": NAME, "keys": {KEY: text or reference}}}; those of lists
 * also have "__REF", the reference to the instance itself. All values are text, as they stand in
 * the answer; datetimes are in CIM's form. */
#pragma once

#include "cli/remote.h"
#include "wire/xml.h"

#include <curl/curl.h>

#define REMOTE_ANSWER_MAX  (4 << 20) /* bytes of one answer */
#define REMOTE_ENVELOPE	   "512000"  /* bytes that are asked for: what WinRM clients say */
#define REMOTE_PAGE	   100	     /* instances of one Pull */
#define REMOTE_PAGES_MAX   (REMOTE_ITEMS_MAX)
#define REMOTE_PATH_MAX	   4096 /* bytes of the URL */
#define REMOTE_POLL_USEC   (G_USEC_PER_SEC / 2)
#define REMOTE_CONNECT_SEC 15L
#define REMOTE_ANSWER_SEC  90L /* longer than the operation may take */
#define REMOTE_TIMEOUT	   "PT60.000S"

#define CLASS_GROUP	      "Msvm_VirtualSystemCollection"
#define CLASS_GROUP_VM	      "Msvm_CollectedVirtualSystems"
#define CLASS_VM	      "Msvm_ComputerSystem"
#define CLASS_DISK	      "Msvm_StorageAllocationSettingData"
#define CLASS_POINT	      "Msvm_ReferencePointCollection"
#define CLASS_MEMBER	      "Msvm_VirtualSystemReferencePoint"
#define CLASS_POINT_MEMBER    "Msvm_CollectedReferencePoints"
#define CLASS_EXPORT_JOB      "Msvm_CollectionReferencePointExportJob"
#define CLASS_JOB	      "Msvm_ConcreteJob"
#define CLASS_GROUP_SERVICE   "Msvm_CollectionManagementService"
#define CLASS_POINT_SERVICE   "Msvm_CollectionReferencePointService"
#define CLASS_POINT_SETTINGS  "Msvm_CollectionReferencePointSettingData"
#define CLASS_EXPORT_SETTINGS "Msvm_CollectionReferencePointExportSettingData"
#define CLASS_EXPORT_DISKS    "Msvm_VirtualMachineToDisks"

struct remote {
	char *url, *host; /* host: as messages name it, HOST:PORT */
	gboolean has_login;
	CURL *curl;
	struct curl_slist *headers;
	GString *answer;
	gboolean over; /* the answer is larger than REMOTE_ANSWER_MAX */
	char what[CURL_ERROR_SIZE];
	GHashTable *services; /* class -> reference to its one object */
};

/* ---- remote_http.c ---- */
gboolean remote_http_setup(struct remote *remote, const struct remote_login *login, GError **error);
/* Sends and waits; the answer's body is in remote->answer. Any HTTP status with a body is a success
 * here, but for those that say it all. */
gboolean remote_http_post(struct remote *remote, const char *body, gsize len, GError **error);
/* remote_login.c: "NAME:PASSWORD" for curl; NULL without error when there is no user. The caller
 * wipes and frees it. */
gboolean remote_login_text(const struct remote_login *login, const char *host, char **ret_text,
			   GError **error);
void remote_wipe(char *secret);

/* ---- remote_wsman.c: one operation each ---- */
json_t *remote_identify(struct remote *remote, GError **error);
json_t *remote_get(struct remote *remote, const char *class_name, const json_t *keys,
		   GError **error);
/* All instances; an array. */
json_t *remote_enumerate(struct remote *remote, const char *class_name, GError **error);
/* Makes an object out of properties and their text; the reference to it. */
json_t *remote_create(struct remote *remote, const char *class_name, const json_t *values,
		      GError **error);
gboolean remote_delete(struct remote *remote, const char *class_name, const json_t *keys,
		       GError **error);
/* @changes: the properties with their new text, or null. */
gboolean remote_put(struct remote *remote, const char *class_name, const json_t *keys,
		    const json_t *changes, GError **error);
/* The output parameters when the return value is 0 or 4096, else an error in words. @parameters
 * (may be NULL) is made by remote_parameter_*(). */
json_t *remote_invoke(struct remote *remote, const json_t *object, const char *method,
		      const GString *parameters, GError **error);
void remote_parameter_text(GString *parameters, const char *name, const char *value);
void remote_parameter_object(GString *parameters, const char *name, const json_t *reference);

/* ---- remote_read.c ---- */
/* SOAP's Body; a fault becomes the error. */
const struct xml_node *remote_read_body(const struct remote *remote,
					const struct xml_document *document, GError **error);
json_t *remote_read_instance(const struct xml_node *node);
/* An end-point reference, with or without the element around it; NULL when it is none. */
json_t *remote_read_reference(const struct xml_node *node);
/* An item of a list in the mode EnumerateObjectAndEPR; NULL when it is none. */
json_t *remote_read_item(const struct xml_node *node);
/* Of a method's return value. */
gboolean remote_return_check(const char *method, const char *value, GError **error);
/* Borrowed text of a property; NULL when it is absent, null or no text. */
const char *property_text(const json_t *instance, const char *name);
guint64 property_uint(const json_t *instance, const char *name);
/* Microseconds: a time since 1970 or a span; 0 when there is none. */
gint64 property_time(const json_t *instance, const char *name);
/* Always a new array, empty when there is none: one element cannot be told from a scalar. */
json_t *property_list(const json_t *instance, const char *name);
/* Borrowed; a key of the object that a reference names. */
const char *property_key(const json_t *instance, const char *name, const char *key);

/* ---- remote_find.c: what people call things ---- */
json_t *reference_new(const char *class_name, const char *key, const char *value);
/* Borrowed, of an instance that came in a list. */
const json_t *reference_of(const json_t *instance);
/* The path as text in the form that string parameters carry. */
char *reference_path(const json_t *reference);
/* The one object of a service's class; borrowed from @remote. */
const json_t *remote_service(struct remote *remote, const char *class_name, GError **error);
/* By name or GUID, as a new instance; NOT_FOUND. */
json_t *remote_find_group(struct remote *remote, const char *name, GError **error);
json_t *remote_find_vm(struct remote *remote, const char *name, GError **error);
json_t *remote_find_point(struct remote *remote, const char *name, GError **error);
/* All machines: the host is no machine. */
json_t *remote_list_vms(struct remote *remote, GError **error);
/* The element of @list whose property @name is @value, GUIDs in either case; borrowed. */
const json_t *find_by(const json_t *list, const char *name, const char *value);
/* N of "GROUP@N"; 0 when the name has another form. */
guint64 point_number(const json_t *point);

/* ---- the requests, as rows of the table in remote.c have them ---- */
typedef json_t *(*remote_request_fn)(struct remote *remote, const json_t *arguments,
				     GError **error);
json_t *remote_vm_list(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_group_create(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_group_list(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_group_show(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_group_add(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_group_remove(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_group_rename(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_group_delete(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_point_create(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_point_list(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_point_show(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_point_release(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_point_delete(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_export(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_backup(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_job_list(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_job_show(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_job_errors(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_job_control(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_job_set(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_job_remove(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_schedule_list(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_schedule_show(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_schedule_create(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_schedule_set(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_schedule_control(struct remote *remote, const json_t *arguments, GError **error);
json_t *remote_schedule_delete(struct remote *remote, const json_t *arguments, GError **error);

gboolean remote_destroy_point(struct remote *remote, const json_t *point, GError **error);
/* The job that a method began, from its output; NULL and an error when it names none. */
const char *remote_job_id(const json_t *output, GError **error);
/* As job-show. */
json_t *remote_job_view(struct remote *remote, const char *id, GError **error);
/* Waits until it has ended; its view. */
json_t *remote_job_wait(struct remote *remote, const char *id, GError **error);
/* Of an instance: "export", "point-create", "retain", "schedule". */
const char *remote_job_kind(const json_t *job);
/* Of JobState. */
const char *remote_job_state_name(guint64 state);
/* As job-errors, of the job that @job refers to. */
json_t *remote_errors(struct remote *remote, const json_t *job, GError **error);
/* As schedule-show; @name may be a GUID. */
json_t *remote_schedule_view(struct remote *remote, const char *name, GError **error);
/* The reference to the schedule. */
json_t *remote_find_schedule(struct remote *remote, const char *name, GError **error);
/* All of a group, by its GUID. */
gboolean remote_delete_schedules(struct remote *remote, const char *group, GError **error);
/* Export jobs that ended well, as instances. */
json_t *remote_exports(struct remote *remote, GError **error);
