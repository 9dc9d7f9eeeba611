/* Exports on another host, and backups made of points and exports. */
#include "cli/remote_private.h"

#include "base/error.h"

#include <string.h>

/* What stands for a base that the host is to find by itself (cairn-cim-examples(7)). */
#define AUTO_BASE "\\\\.\\root\\virtualization\\v2:" CLASS_POINT ".CollectionID=\"Cairn:auto\""

/* ---- the base ---- */

static gboolean
same_folder(const char *a, const char *b)
{
	g_autofree char *x = g_canonicalize_filename(a, "/");
	g_autofree char *y = g_canonicalize_filename(b, "/");
	return strcmp(x, y) == 0;
}

static gboolean
is_exported(const json_t *exports, const char *point, const char *directory)
{
	size_t i;
	json_t *job;
	json_array_foreach ((json_t *)exports, i, job) {
		const char *of = property_text(job, "ReferencePointGroupId");
		const char *where = property_text(job, "ExportDirectory");
		if (of && where && g_ascii_strcasecmp(of, point) == 0 &&
		    same_folder(where, directory))
			return TRUE;
	}
	return FALSE;
}

/* Whether @older can be the base of @point. */
static gboolean
is_older(const json_t *older, const json_t *point)
{
	const char *a = property_text(older, "VirtualSystemCollectionId");
	const char *b = property_text(point, "VirtualSystemCollectionId");
	return a && b && g_ascii_strcasecmp(a, b) == 0 && point_number(older) < point_number(point);
}

/* The newest that the jobs tell of: jobs that are forgotten make it a full export. *@ret_path is
 * NULL when there is none. */
static gboolean
newest_base(struct remote *remote, const json_t *point, const char *directory, char **ret_path,
	    GError **error)
{
	g_autoptr(json_t) points = remote_enumerate(remote, CLASS_POINT, error);
	g_autoptr(json_t) exports = points ? remote_exports(remote, error) : NULL;
	const json_t *best = NULL;
	size_t i;
	json_t *item;
	if (!exports)
		return FALSE;
	json_array_foreach (points, i, item) {
		const char *id = property_text(item, "CollectionID");
		if (id && is_older(item, point) && is_exported(exports, id, directory) &&
		    (!best || point_number(item) > point_number(best)))
			best = item;
	}
	*ret_path = best ? reference_path(reference_of(best)) : NULL;
	return TRUE;
}

/* cairn's own daemon looks into the folder; of others only their jobs tell what is there. */
static gboolean
auto_base(struct remote *remote, const json_t *point, const char *directory, char **ret_path,
	  GError **error)
{
	g_autoptr(json_t) identity = remote_identify(remote, error);
	if (!identity)
		return FALSE;
	if (g_strcmp0(property_text(identity, "ProductVendor"), "cairn") != 0)
		return newest_base(remote, point, directory, ret_path, error);
	*ret_path = g_strdup(AUTO_BASE);
	return TRUE;
}

static gboolean
find_base(struct remote *remote, const json_t *point, const json_t *arguments, char **ret_path,
	  GError **error)
{
	const char *name = property_text(arguments, "base");
	*ret_path = NULL;
	if (!name)
		return TRUE;
	if (strcmp(name, "auto") == 0)
		return auto_base(remote, point, property_text(arguments, "directory"), ret_path,
				 error);
	g_autoptr(json_t) base = remote_find_point(remote, name, error);
	if (!base)
		return FALSE;
	if (!is_older(base, point))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "\"%s\" is not an older point of the same group", name);
	*ret_path = reference_path(reference_of(base));
	return TRUE;
}

/* ---- the disks ---- */

/* The point's part of the machine that "VM" or "VM:TARGET" names; *@ret_target is NULL for all. */
static const json_t *
find_member(const json_t *members, const char *disk, const char **ret_target)
{
	const char *colon = strrchr(disk, ':');
	const json_t *whole = find_by(members, "name", disk);
	*ret_target = NULL;
	if (!whole)
		whole = find_by(members, "id", disk);
	if (whole || !colon)
		return whole;
	g_autofree char *vm = g_strndup(disk, (gsize)(colon - disk));
	*ret_target = colon + 1;
	whole = find_by(members, "name", vm);
	return whole ? whole : find_by(members, "id", vm);
}

/* @wanted: GUID of the machine -> array of disk ids, empty for all of them. */
static gboolean
want_disk(json_t *wanted, const json_t *members, const char *name, GError **error)
{
	const char *target = NULL;
	const json_t *member = find_member(members, name, &target);
	const char *vm = property_text(member, "id");
	json_t *ids = vm ? json_object_get(wanted, vm) : NULL;
	const json_t *disk =
		vm && target ? find_by(json_object_get(member, "disks"), "target", target) : NULL;
	if (!vm || (target && !disk))
		return cairn_fail(error, CAIRN_ERROR_NOT_FOUND,
				  "the point has no disk \"%s\" (VM or VM:TARGET)", name);
	if (!target) {
		json_object_set_new(wanted, vm, json_array());
	} else if (!ids) {
		json_object_set_new(wanted, vm, json_pack("[O]", json_object_get(disk, "id")));
	} else if (json_array_size(ids) > 0) { /* else all of it is wanted already */
		json_array_append(ids, json_object_get(disk, "id"));
	}
	return TRUE;
}

static json_t *
wanted_disks(struct remote *remote, const json_t *point, const json_t *names, GError **error)
{
	g_autoptr(json_t) arguments = json_object();
	json_object_set(arguments, "point", json_object_get(point, "CollectionID"));
	g_autoptr(json_t) view = remote_point_show(remote, arguments, error);
	g_autoptr(json_t) wanted = view ? json_object() : NULL;
	for (size_t i = 0; wanted && i < json_array_size(names); i++)
		if (!want_disk(wanted, json_object_get(view, "members"),
			       json_string_value(json_array_get(names, i)), error))
			return NULL;
	return g_steal_pointer(&wanted);
}

/* ---- settings as text (CIM DTD 2.0) ---- */

static void
put_property(GString *out, const char *name, const char *value)
{
	g_string_append_printf(out, "<PROPERTY NAME=\"%s\" TYPE=\"string\"><VALUE>", name);
	xml_escape(out, value, -1);
	g_string_append(out, "</VALUE></PROPERTY>");
}

static void
put_array(GString *out, const char *name, const json_t *values)
{
	g_string_append_printf(out, "<PROPERTY.ARRAY NAME=\"%s\" TYPE=\"string\"><VALUE.ARRAY>",
			       name);
	for (size_t i = 0; i < json_array_size(values); i++) {
		g_string_append(out, "<VALUE>");
		xml_escape(out, json_string_value(json_array_get(values, i)), -1);
		g_string_append(out, "</VALUE>");
	}
	g_string_append(out, "</VALUE.ARRAY></PROPERTY.ARRAY>");
}

/* One machine each, as text within the text. */
static json_t *
machines_text(const json_t *wanted)
{
	json_t *texts = json_array();
	const char *vm;
	json_t *ids;
	json_object_foreach ((json_t *)wanted, vm, ids) {
		g_autoptr(GString) text =
			g_string_new("<INSTANCE CLASSNAME=\"" CLASS_EXPORT_DISKS "\">");
		put_property(text, "VirtualMachineId", vm);
		if (json_array_size(ids) > 0)
			put_array(text, "DisksToExport", ids);
		g_string_append(text, "</INSTANCE>");
		json_array_append_new(texts, json_string(text->str));
	}
	return texts;
}

/* NULL when there is nothing to say: the defaults. */
static char *
settings_text(const char *base, const json_t *wanted)
{
	g_autoptr(GString) out = g_string_new("<INSTANCE CLASSNAME=\"" CLASS_EXPORT_SETTINGS "\">");
	if (!base && json_object_size(wanted) == 0)
		return NULL;
	if (base)
		put_property(out, "BaseReferencePointCollection", base);
	if (json_object_size(wanted) > 0) {
		g_autoptr(json_t) texts = machines_text(wanted);
		put_array(out, "VirtualMachinesToDisksToExport", texts);
	}
	g_string_append(out, "</INSTANCE>");
	return g_strdup(out->str);
}

/* ---- the requests ---- */

static json_t *
begin_export(struct remote *remote, const json_t *point, const char *directory,
	     const char *settings, GError **error)
{
	const json_t *service = remote_service(remote, CLASS_POINT_SERVICE, error);
	const char *id = property_text(point, "CollectionID");
	if (!service)
		return NULL;
	g_autoptr(GString) parameters = g_string_new(NULL);
	remote_parameter_object(parameters, "ReferencePointCollection", reference_of(point));
	remote_parameter_text(parameters, "ExportDirectory", directory);
	if (settings)
		remote_parameter_text(parameters, "ExportSettingData", settings);
	g_autoptr(json_t) output =
		remote_invoke(remote, service, "ExportReferencePoint", parameters, error);
	const char *job = output ? remote_job_id(output, error) : NULL;
	if (!job)
		return NULL;
	json_t *json = json_object();
	cairn_json_set_string(json, "job", job);
	cairn_json_set(json, "number", json_null());
	cairn_json_set_string(json, "point", id);
	cairn_json_set_string(json, "point-name", property_text(point, "ElementName"));
	return json;
}

json_t *
remote_export(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autofree char *base = NULL;
	const json_t *names = json_object_get(arguments, "disks");
	g_autoptr(json_t) point =
		remote_find_point(remote, property_text(arguments, "point"), error);
	if (!point || !find_base(remote, point, arguments, &base, error))
		return NULL;
	g_autoptr(json_t) wanted =
		json_array_size(names) > 0 ? wanted_disks(remote, point, names, error) : NULL;
	if (json_array_size(names) > 0 && !wanted)
		return NULL;
	g_autofree char *settings = settings_text(base, wanted);
	return begin_export(remote, point, property_text(arguments, "directory"), settings, error);
}

/* The point's job must have ended well; @view is borrowed. */
static gboolean
check_ended(const json_t *view, GError **error)
{
	json_int_t state = json_integer_value(json_object_get(view, "state"));
	const char *why = property_text(view, "error");
	return state == 7 || state == 32768 ||
	       cairn_fail(error, CAIRN_ERROR_IO, "job %s (point): %s", property_text(view, "id"),
			  why ? why : property_text(view, "state-name"));
}

/* cairnd accepts both jobs at once; here the point must stand before its export can be asked for.
 */
json_t *
remote_backup(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) created = remote_point_create(remote, arguments, error);
	const char *job = property_text(created, "job");
	g_autoptr(json_t) view = created ? remote_job_wait(remote, job, error) : NULL;
	if (!view || !check_ended(view, error))
		return NULL;
	g_autoptr(json_t) wish = json_object();
	json_object_set(wish, "point", json_object_get(created, "point-name"));
	json_object_set(wish, "directory", json_object_get(arguments, "directory"));
	if (!json_is_true(json_object_get(arguments, "full")))
		cairn_json_set_string(wish, "base", "auto");
	json_t *answer = remote_export(remote, wish, error);
	if (answer)
		cairn_json_set_string(answer, "point-job", job);
	return answer;
}
