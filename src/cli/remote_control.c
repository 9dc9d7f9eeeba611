/* What is done to jobs of another host, and their errors. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/timefmt.h"

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
	if (!remote_put(remote, property_text(job, "class"), json_object_get(job, "keys"), changes,
			error))
		return NULL;
	return remote_job_view(remote, property_text(view, "id"), error);
}

/* ---- GetErrorEx: Msvm_Error as text ---- */

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

/* "CAIRN:Denied" */
static const char *
error_class(const struct xml_node *instance)
{
	const char *id = embedded_value(instance, "MessageID", 0);
	const char *colon = id && g_str_has_prefix(id, "CAIRN:") ? strchr(id, ':') : NULL;
	return colon ? colon + 1 : cairn_error_class(CAIRN_ERROR_IO);
}

/* The arguments are the machine's GUID and the disk, as far as there are any. */
static json_t *
view_error(const struct xml_node *instance)
{
	json_t *json = json_object();
	const char *class_name = error_class(instance);
	const char *vm = embedded_value(instance, "MessageArguments", 0);
	const char *disk = embedded_value(instance, "MessageArguments", 1);
	if (vm && !cairn_guid_valid(vm))
		vm = disk = NULL;
	cairn_json_set_string(json, "class", class_name);
	cairn_json_set_uint(json, "code", cairn_error_job_code(cairn_error_from_class(class_name)));
	cairn_json_set_string(json, "message", embedded_value(instance, "Message", 0));
	cairn_json_set_string(json, "vm", vm);
	cairn_json_set_string(json, "disk", disk);
	cairn_json_set_string(json, "action", embedded_value(instance, "RecommendedActions", 0));
	return json;
}

json_t *
remote_job_errors(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) view = NULL;
	g_autoptr(json_t) job = find_job(remote, arguments, &view, error);
	g_autoptr(json_t) output =
		job ? remote_invoke(remote, job, "GetErrorEx", NULL, error) : NULL;
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
