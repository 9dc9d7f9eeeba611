/* Debts: struct and JSON. */
#include "cairnd/debt.h"

#include "base/guid.h"
#include "base/json.h"

struct debt *
debt_new(const char *point, const char *vm, const char *uri, guint flags)
{
	struct debt *debt = g_new0(struct debt, 1);
	debt->id = cairn_guid_new();
	debt->point = g_strdup(point);
	debt->vm = g_strdup(vm);
	debt->uri = g_strdup(uri);
	debt->targets = g_new0(char *, 1);
	debt->flags = flags;
	return debt;
}

struct debt *
debt_of_member(const struct point *point, const struct point_member *member, guint flags)
{
	struct debt *debt = debt_new(point->id, member->id, member->uri, flags);
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	for (guint i = 0; i < member->disks->len; i++) {
		const struct point_disk *disk = member->disks->pdata[i];
		g_strv_builder_add(builder, disk->target);
	}
	g_strfreev(debt->targets);
	debt->targets = g_strv_builder_end(builder);
	return debt;
}

struct debt *
debt_copy(const struct debt *debt)
{
	g_autoptr(json_t) json = debt_to_json(debt);
	struct debt *copy = debt_from_json(json, NULL);
	g_assert(copy);
	return copy;
}

void
debt_free(struct debt *debt)
{
	if (!debt)
		return;
	g_free(debt->id);
	g_free(debt->uri);
	g_free(debt->vm);
	g_free(debt->point);
	g_free(debt->path);
	g_strfreev(debt->targets);
	g_free(debt);
}

json_t *
debt_to_json(const struct debt *debt)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "id", debt->id);
	cairn_json_set_string(json, "uri", debt->uri);
	cairn_json_set_string(json, "vm", debt->vm);
	cairn_json_set_string(json, "point", debt->point);
	cairn_json_set_string(json, "path", debt->path);
	cairn_json_set_uint(json, "flags", debt->flags);
	cairn_json_set_strv(json, "targets", debt->targets);
	return json;
}

struct debt *
debt_from_json(const json_t *json, GError **error)
{
	const char *id, *uri, *vm, *point, *path;
	guint64 flags;
	if (!cairn_json_get_string(json, "id", &id, error) ||
	    !cairn_json_get_string_opt(json, "uri", &uri, error) ||
	    !cairn_json_get_string_opt(json, "vm", &vm, error) ||
	    !cairn_json_get_string(json, "point", &point, error) ||
	    !cairn_json_get_string_opt(json, "path", &path, error) ||
	    !cairn_json_get_uint(json, "flags", G_MAXUINT16, &flags, error))
		return NULL;
	cairn_auto(debt) debt = debt_new(point, vm, uri, (guint)flags);
	g_free(debt->id);
	debt->id = g_strdup(id);
	debt->path = g_strdup(path);
	g_clear_pointer(&debt->targets, g_strfreev);
	if (!cairn_json_get_strv_opt(json, "targets", &debt->targets, error))
		return NULL;
	return g_steal_pointer(&debt);
}
