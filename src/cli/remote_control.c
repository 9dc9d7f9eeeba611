/* What is done to jobs of another host, and their errors. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/timefmt.h"
#include "core/messages.h"

#include <string.h>

/* ---- which ---- */

/* The reference to a job, of the class that it has. */
static json_t *
find_job(struct remote *remote, const json_t *arguments, json_t **ret_view, GError **error)
{
	g_autoptr(json_t) view = remote_job_show(remote, arguments, error);
	if (!view)
		return NULL;
	gboolean export = g_strcmp0(property_text(view, "kind"), "export") == 0;
	json_t *job = reference_new(export ? CLASS_EXPORT_JOB : CLASS_JOB, "InstanceID",
				    property_text(view, "id"));
	*ret_view = g_steal_pointer(&view);
	return job;
}

/* ---- RequestStateChange ---- */

static const struct {
	const char *action, *state;
} actions[] = {
	{"resume", "2"}, {"suspend", "3"}, {"terminate", "4"}, {"kill", "5"}, {"service", "6"},
};

static const char *
requested_state(const char *action, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(actions); i++)
		if (g_strcmp0(actions[i].action, action) == 0)
			return actions[i].state;
	cairn_fail(error, CAIRN_ERROR_INVALID,
		   "argument \"action\" is one of: suspend, resume, terminate, kill, service");
	return NULL;
}

json_t *
remote_job_control(struct remote *remote, const json_t *arguments, GError **error)
{
	const char *state = requested_state(property_text(arguments, "action"), error);
	g_autoptr(json_t) view = NULL;
	g_autoptr(json_t) job = state ? find_job(remote, arguments, &view, error) : NULL;
	if (!job)
		return NULL;
	g_autoptr(GString) parameters = g_string_new(NULL);
	remote_parameter_text(parameters, "RequestedState", state);
	g_autoptr(json_t) output =
		remote_invoke(remote, job, "RequestStateChange", parameters, error);
	return output ? remote_job_view(remote, property_text(view, "id"), error) : NULL;
}

/* ---- writable properties ---- */

json_t *
remote_job_set(struct remote *remote, const json_t *arguments, GError **error)
{
	const json_t *priority = json_object_get(arguments, "priority");
	const json_t *keep = json_object_get(arguments, "keep");
	const json_t *forget = json_object_get(arguments, "delete-on-completion");
	g_autoptr(json_t) view = NULL;
	g_autoptr(json_t) job = find_job(remote, arguments, &view, error);
	g_autoptr(json_t) changes = json_object();
	if (!job)
		return NULL;
	if (json_is_integer(priority)) {
		g_autofree char *text =
			g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(priority));
		cairn_json_set_string(changes, "Priority", text);
	}
	if (json_is_integer(keep)) {
		gint64 seconds = MIN(json_integer_value(keep), G_MAXINT64 / G_USEC_PER_SEC);
		g_autofree char *text = cairn_interval_cim(seconds * G_USEC_PER_SEC);
		cairn_json_set_string(changes, "TimeBeforeRemoval", text);
	}
	if (json_is_boolean(forget))
		cairn_json_set_string(changes, "DeleteOnCompletion",
				      json_is_true(forget) ? "true" : "false");
	if (!remote_put(remote, property_text(job, "class"), json_object_get(job, "keys"), changes,
			error))
		return NULL;
	return remote_job_view(remote, property_text(view, "id"), error);
}

json_t *
remote_job_remove(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) view = NULL;
	g_autoptr(json_t) job = find_job(remote, arguments, &view, error);
	return job && remote_delete(remote, property_text(job, "class"),
				    json_object_get(job, "keys"), error)
		       ? json_object()
		       : NULL;
}

/* ---- GetErrorEx: Msvm_Error as text ---- */

#define LIST_MAX 16 /* arguments, or actions, of one error */

/* The first VALUE of the property @name, or NULL. @n: which of an array. */
static const char *
embedded_value(const struct xml_node *instance, const char *name, guint n)
{
	for (const struct xml_node *it = instance->first; it; it = it->next) {
		const char *own = xml_attr(it, "NAME");
		if (!own || g_ascii_strcasecmp(own, name) != 0)
			continue;
		const struct xml_node *array = xml_child(it, NULL, "VALUE.ARRAY");
		const struct xml_node *value = xml_child(array ? array : it, NULL, "VALUE");
		for (; value && n > 0; n--)
			value = xml_sibling(value, NULL, "VALUE");
		return value ? value->text : NULL;
	}
	return NULL;
}

static json_t *
embedded_list(const struct xml_node *instance, const char *name)
{
	const char *text;
	json_t *list = json_array();
	for (guint i = 0; i < LIST_MAX && (text = embedded_value(instance, name, i)); i++)
		json_array_append_new(list, json_string(text));
	return list;
}

static guint64
embedded_number(const struct xml_node *instance, const char *name)
{
	const char *text = embedded_value(instance, name, 0);
	guint64 number = 0;
	return text && g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &number, NULL) ? number
											   : 0;
}

/* "CAIRN0123": what cairn's catalogue says of it. A file's error has the class of what the system
 * said, which its cause tells. */
static int
error_code(const char *id, guint64 cause)
{
	guint n;
	const struct message_row *rows = message_rows(&n);
	for (guint i = 0; i < n; i++) {
		char own[MESSAGE_ID_LEN + 1];
		message_id(&rows[i], own);
		if (g_strcmp0(own, id) != 0)
			continue;
		for (int code = 0; rows[i].is_file && code < CAIRN_ERROR_LAST; code++)
			if (message_remedy(&rows[i], code)->cause == cause)
				return code;
		return (int)rows[i].code;
	}
	return CAIRN_ERROR_IO;
}

/* The machine, and the disk, in the path of ErrorSource: ...InstanceID="Cairn:VM\\TARGET" of a
 * disk, Name="VM" of a machine. */
static void
set_source(json_t *json, const char *source)
{
	const char *disk = source ? strstr(source, "Cairn:") : NULL;
	const char *name = source ? strstr(source, ",Name=\"") : NULL;
	const char *at = disk ? disk + strlen("Cairn:") : name ? name + strlen(",Name=\"") : "";
	g_autofree char *vm = g_strndup(at, GUID_LEN);
	gboolean valid = strlen(vm) == GUID_LEN && cairn_guid_valid(vm);
	const char *rest = valid ? at + GUID_LEN : "";
	rest += strspn(rest, "\\");
	g_autofree char *target = g_strndup(rest, strcspn(rest, "\""));
	cairn_json_set_string(json, "vm", valid ? vm : NULL);
	cairn_json_set_string(json, "disk", valid && disk && *target ? target : NULL);
}

static json_t *
view_error(const struct xml_node *instance)
{
	const char *id = embedded_value(instance, "MessageID", 0);
	guint64 cause = embedded_number(instance, "ProbableCause");
	int code = error_code(id, cause);
	json_t *json = json_object();
	cairn_json_set_string(json, "class", cairn_error_class(code));
	cairn_json_set_uint(json, "code", cairn_error_job_code(code));
	cairn_json_set_string(json, "message-id", id);
	cairn_json_set_string(json, "message", embedded_value(instance, "Message", 0));
	cairn_json_set(json, "arguments", embedded_list(instance, "MessageArguments"));
	set_source(json, embedded_value(instance, "ErrorSource", 0));
	cairn_json_set_string(json, "source", embedded_value(instance, "ErrorSource", 0));
	cairn_json_set_uint(json, "type", embedded_number(instance, "ErrorType"));
	cairn_json_set_uint(json, "severity", embedded_number(instance, "PerceivedSeverity"));
	cairn_json_set_uint(json, "cause", cause);
	cairn_json_set_string(json, "cause-description",
			      embedded_value(instance, "ProbableCauseDescription", 0));
	cairn_json_set_string(json, "action", embedded_value(instance, "RecommendedActions", 0));
	cairn_json_set(json, "actions", embedded_list(instance, "RecommendedActions"));
	return json;
}

json_t *
remote_errors(struct remote *remote, const json_t *job, GError **error)
{
	g_autoptr(json_t) output = remote_invoke(remote, job, "GetErrorEx", NULL, error);
	if (!output)
		return NULL;
	g_autoptr(json_t) texts = property_list(output, "Errors");
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));
		cairn_auto(xml_document) document =
			text ? xml_parse(text, strlen(text), NULL) : NULL;
		if (document)
			json_array_append_new(list, view_error(xml_root(document)));
	}
	return list;
}

json_t *
remote_job_errors(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) view = NULL;
	g_autoptr(json_t) job = find_job(remote, arguments, &view, error);
	return job ? remote_errors(remote, job, error) : NULL;
}
