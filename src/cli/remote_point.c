/* Reference points of another host. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/timefmt.h"

#include <string.h>

/* ---- views ---- */

/* What a view of a point is made from; each an array of instances. */
struct surroundings {
	json_t *groups, *links, *members, *exports;
};

static void
surroundings_clear(struct surroundings *around)
{
	json_decref(around->groups);
	json_decref(around->links);
	json_decref(around->members);
	json_decref(around->exports);
}
#define surroundings_auto __attribute__((cleanup(surroundings_clear))) struct surroundings

static gboolean
surroundings_load(struct remote *remote, struct surroundings *around, GError **error)
{
	return (around->groups = remote_enumerate(remote, CLASS_GROUP, error)) &&
	       (around->links = remote_enumerate(remote, CLASS_POINT_MEMBER, error)) &&
	       (around->members = remote_enumerate(remote, CLASS_MEMBER, error)) &&
	       (around->exports = remote_exports(remote, error));
}

/* ConsistencyLevel is reversed between the two classes (hyperv-semantics section 2); @crash is the
 * number that means crash consistency here, of 1 and 2. */
static const char *
consistency_name(const json_t *instance, guint64 crash)
{
	guint64 level = property_uint(instance, "ConsistencyLevel");
	if (level == crash)
		return "crash";
	return level == 3 - crash ? "application" : NULL;
}

/* "Cairn:VM\TARGET" */
static json_t *
view_disks(const json_t *member)
{
	g_autoptr(json_t) ids = property_list(member, "VirtualDiskIdentifiers");
	json_t *disks = json_array();
	size_t i;
	json_t *item;
	json_array_foreach (ids, i, item) {
		const char *id = json_string_value(item);
		const char *slash = id ? strrchr(id, '\\') : NULL;
		json_t *disk = json_object();
		cairn_json_set_string(disk, "target", slash ? slash + 1 : id);
		cairn_json_set_string(disk, "id", id);
		json_array_append_new(disks, disk);
	}
	return disks;
}

static json_t *
view_member(const json_t *member)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "id", property_text(member, "VirtualSystemIdentifier"));
	cairn_json_set_string(json, "name", property_text(member, "ElementName"));
	cairn_json_set_string(json, "consistency", consistency_name(member, 2));
	cairn_json_set(json, "disks", view_disks(member));
	return json;
}

static json_t *
view_members(const struct surroundings *around, const char *point)
{
	json_t *list = json_array();
	size_t i;
	json_t *link;
	json_array_foreach (around->links, i, link) {
		const char *of = property_key(link, "Collection", "CollectionID");
		const json_t *member = of && g_ascii_strcasecmp(of, point) == 0
					       ? find_by(around->members, "InstanceID",
							 property_key(link, "Member", "InstanceID"))
					       : NULL;
		if (member)
			json_array_append_new(list, view_member(member));
	}
	return list;
}

static json_t *
view_exports(const struct surroundings *around, const char *point)
{
	json_t *list = json_array();
	size_t i;
	json_t *job;
	json_array_foreach (around->exports, i, job) {
		const char *of = property_text(job, "ReferencePointGroupId");
		if (!of || g_ascii_strcasecmp(of, point) != 0)
			continue;
		json_t *item = json_object();
		cairn_json_set_string(item, "directory", property_text(job, "ExportDirectory"));
		cairn_json_set_string(item, "job", property_text(job, "InstanceID"));
		cairn_json_set_time(item, "time", property_time(job, "TimeOfLastStateChange"));
		json_array_append_new(list, item);
	}
	return list;
}

/* No property has the time; cairn's Description ends in it. */
static gint64
created_at(const json_t *point)
{
	static const char mark[] = "aken at ";
	const char *text = property_text(point, "Description");
	const char *at = text ? strstr(text, mark) : NULL;
	gint64 time = 0;
	return at && cairn_time_from_iso(at + strlen(mark), &time, NULL) ? time : 0;
}

static json_t *
view_point(const struct surroundings *around, const json_t *point)
{
	static const char *const unknown[] = {"requested",  "held",	 "release-reason",
					      "hold-until", "base",	 "pause-us",
					      "skew-us",    "freeze-us", "barrier"};
	const char *id = property_text(point, "CollectionID");
	const char *group = property_text(point, "VirtualSystemCollectionId");
	json_t *json = json_object();
	cairn_json_set_string(json, "id", id);
	cairn_json_set_string(json, "name", property_text(point, "ElementName"));
	cairn_json_set_string(json, "group", group);
	cairn_json_set_string(
		json, "group-name",
		property_text(find_by(around->groups, "CollectionID", group), "ElementName"));
	if (point_number(point))
		cairn_json_set_uint(json, "number", point_number(point));
	else
		cairn_json_set(json, "number", json_null());
	cairn_json_set_time(json, "created", created_at(point));
	cairn_json_set_string(json, "consistency", consistency_name(point, 1));
	for (guint i = 0; i < G_N_ELEMENTS(unknown); i++)
		cairn_json_set(json, unknown[i], json_null());
	cairn_json_set(json, "exports", id ? view_exports(around, id) : json_array());
	cairn_json_set(json, "members", id ? view_members(around, id) : json_array());
	return json;
}

json_t *
remote_point_list(struct remote *remote, const json_t *arguments, GError **error)
{
	const char *name = property_text(arguments, "group");
	surroundings_auto around = {0};
	g_autoptr(json_t) group = name ? remote_find_group(remote, name, error) : NULL;
	const char *wanted = property_text(group, "CollectionID");
	size_t i;
	json_t *point;
	if (name && !group)
		return NULL;
	g_autoptr(json_t) points = remote_enumerate(remote, CLASS_POINT, error);
	if (!points || !surroundings_load(remote, &around, error))
		return NULL;
	json_t *list = json_array();
	json_array_foreach (points, i, point) {
		const char *of = property_text(point, "VirtualSystemCollectionId");
		if (!name || (of && wanted && g_ascii_strcasecmp(of, wanted) == 0))
			json_array_append_new(list, view_point(&around, point));
	}
	return list;
}

static json_t *
show(struct remote *remote, const json_t *point, GError **error)
{
	surroundings_auto around = {0};
	return surroundings_load(remote, &around, error) ? view_point(&around, point) : NULL;
}

json_t *
remote_point_show(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) point =
		remote_find_point(remote, property_text(arguments, "point"), error);
	return point ? show(remote, point, error) : NULL;
}

/* ---- changes ---- */

static gboolean
call_service(struct remote *remote, const char *method, const json_t *point, GError **error)
{
	const json_t *service = remote_service(remote, CLASS_POINT_SERVICE, error);
	if (!service)
		return FALSE;
	g_autoptr(GString) parameters = g_string_new(NULL);
	remote_parameter_object(parameters, "AffectedReferencePointCollection",
				reference_of(point));
	g_autoptr(json_t) output = remote_invoke(remote, service, method, parameters, error);
	return output != NULL;
}

gboolean
remote_destroy_point(struct remote *remote, const json_t *point, GError **error)
{
	return call_service(remote, "DestroyReferencePoint", point, error);
}

json_t *
remote_point_delete(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) point =
		remote_find_point(remote, property_text(arguments, "point"), error);
	return point && remote_destroy_point(remote, point, error) ? json_object() : NULL;
}

json_t *
remote_point_release(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) point =
		remote_find_point(remote, property_text(arguments, "point"), error);
	return point && call_service(remote, "RemoveAssociatedData", point, error)
		       ? show(remote, point, error)
		       : NULL;
}

/* ---- CreateReferencePoint ---- */

/* NULL with no error: as well as can be had. */
static gboolean
settings_of(const char *consistency, char **ret_text, GError **error)
{
	static const struct {
		const char *word, *level; /* of the settings class */
	} levels[] = {{"best", NULL}, {"application", "1"}, {"crash", "2"}};
	*ret_text = NULL;
	for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
		if (consistency && strcmp(consistency, levels[i].word) != 0)
			continue;
		if (levels[i].level)
			*ret_text = g_strdup_printf(
				"<INSTANCE CLASSNAME=\"" CLASS_POINT_SETTINGS
				"\"><PROPERTY NAME=\"ConsistencyLevel\" TYPE=\"uint8\"><VALUE>%s"
				"</VALUE></PROPERTY></INSTANCE>",
				levels[i].level);
		return TRUE;
	}
	return cairn_fail(error, CAIRN_ERROR_INVALID,
			  "\"%s\" is no consistency: use application, best or crash", consistency);
}

/* The job's ElementName ends in the name that the point will have; else the newest one is meant. */
static char *
name_of_point(struct remote *remote, const char *job, const char *group)
{
	g_autoptr(json_t) view = remote_job_view(remote, job, NULL);
	const char *name = property_text(view, "point-name");
	return name ? g_strdup(name) : g_strdup_printf("%s@latest", group);
}

json_t *
remote_point_create(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autofree char *settings = NULL;
	if (!settings_of(property_text(arguments, "consistency"), &settings, error))
		return NULL;
	g_autoptr(json_t) group =
		remote_find_group(remote, property_text(arguments, "group"), error);
	const json_t *service = group ? remote_service(remote, CLASS_POINT_SERVICE, error) : NULL;
	if (!service)
		return NULL;
	const char *id = property_text(group, "CollectionID");
	g_autoptr(GString) parameters = g_string_new(NULL);
	remote_parameter_object(parameters, "Collection", reference_of(group));
	if (settings)
		remote_parameter_text(parameters, "ReferencePointSettings", settings);
	remote_parameter_text(parameters, "ReferencePointType", "2");
	g_autoptr(json_t) output =
		remote_invoke(remote, service, "CreateReferencePoint", parameters, error);
	const char *job = output ? remote_job_id(output, error) : NULL;
	if (!job)
		return NULL;
	g_autofree char *name = name_of_point(remote, job, id);
	json_t *json = json_object();
	cairn_json_set_string(json, "job", job);
	cairn_json_set(json, "number", json_null());
	cairn_json_set(json, "point", json_null());
	cairn_json_set_string(json, "point-name", name);
	return json;
}
