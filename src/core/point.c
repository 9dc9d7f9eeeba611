/* Points: structs, names and the JSON that the store keeps. */
#include "core/point.h"

#include "base/error.h"
#include "base/json.h"

static const char *const consistency_names[] = {
	[CONSISTENCY_CRASH] = "crash",
	[CONSISTENCY_APPLICATION] = "application",
	[CONSISTENCY_BEST] = "best",
};

const char *
consistency_name(enum consistency consistency)
{
	return consistency_names[consistency];
}

gboolean
consistency_parse(const char *text, enum consistency *ret_value, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(consistency_names); i++)
		if (g_strcmp0(text, consistency_names[i]) == 0) {
			*ret_value = (enum consistency)i;
			return TRUE;
		}
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "\"%s\" is no consistency: use application, best or crash", text);
	return FALSE;
}

static void
disk_free(struct point_disk *disk)
{
	g_free(disk->target);
	g_free(disk->path);
	g_free(disk->format);
	g_free(disk->reason);
	g_free(disk);
}

void
point_member_free(struct point_member *member)
{
	if (!member)
		return;
	g_free(member->id);
	g_free(member->name);
	g_free(member->state);
	g_free(member->uri);
	g_free(member->reason);
	g_free(member->socket);
	g_ptr_array_unref(member->disks);
	g_free(member);
}

static void
export_free(struct point_export *done)
{
	g_free(done->directory);
	g_free(done->job);
	g_free(done);
}

struct point *
point_new(const char *id, const char *group)
{
	struct point *point = g_new0(struct point, 1);
	point->id = g_strdup(id);
	point->group = g_strdup(group);
	point->members = g_ptr_array_new_with_free_func((GDestroyNotify)point_member_free);
	point->exports = g_ptr_array_new_with_free_func((GDestroyNotify)export_free);
	point->partials = g_new0(char *, 1);
	return point;
}

void
point_free(struct point *point)
{
	if (!point)
		return;
	g_free(point->id);
	g_free(point->group);
	g_free(point->prev);
	g_free(point->release_reason);
	g_ptr_array_unref(point->members);
	g_ptr_array_unref(point->exports);
	g_strfreev(point->partials);
	g_free(point);
}

struct point_member *
point_add_member(struct point *point, const char *id, const char *name)
{
	struct point_member *member = g_new0(struct point_member, 1);
	member->id = g_strdup(id);
	member->name = g_strdup(name);
	member->disks = g_ptr_array_new_with_free_func((GDestroyNotify)disk_free);
	g_ptr_array_add(point->members, member);
	return member;
}

struct point_disk *
point_add_disk(struct point_member *member, const char *target)
{
	struct point_disk *disk = g_new0(struct point_disk, 1);
	disk->target = g_strdup(target);
	g_ptr_array_add(member->disks, disk);
	return disk;
}

void
point_add_export(struct point *point, const char *directory, const char *job, gint64 time)
{
	struct point_export *done = g_new0(struct point_export, 1);
	done->directory = g_strdup(directory);
	done->job = g_strdup(job);
	done->time = time;
	g_ptr_array_add(point->exports, done);
}

static gboolean
same_folder(const char *a, const char *b)
{
	g_autofree char *x = g_canonicalize_filename(a, "/"), *y = g_canonicalize_filename(b, "/");
	return strcmp(x, y) == 0;
}

gboolean
point_has_export(const struct point *point, const char *directory)
{
	for (guint i = 0; i < point->exports->len; i++) {
		const struct point_export *done = point->exports->pdata[i];
		if (same_folder(done->directory, directory))
			return TRUE;
	}
	return FALSE;
}

gboolean
point_remove_export(struct point *point, const char *directory)
{
	guint before = point->exports->len;
	for (guint i = before; i-- > 0;) {
		const struct point_export *done = point->exports->pdata[i];
		if (same_folder(done->directory, directory))
			g_ptr_array_remove_index(point->exports, i);
	}
	return point->exports->len < before;
}

void
point_set_partial(struct point *point, const char *directory, gboolean there)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	for (char **old = point->partials; *old; old++)
		if (strcmp(*old, directory) != 0)
			g_strv_builder_add(builder, *old);
	if (there)
		g_strv_builder_add(builder, directory);
	g_strfreev(point->partials);
	point->partials = g_strv_builder_end(builder);
}

struct point_member *
point_find_member(const struct point *point, const char *vm_id)
{
	for (guint i = 0; i < point->members->len; i++) {
		struct point_member *member = point->members->pdata[i];
		if (g_strcmp0(member->id, vm_id) == 0)
			return member;
	}
	return NULL;
}

struct point_disk *
point_find_disk(const struct point_member *member, const char *target)
{
	for (guint i = 0; i < member->disks->len; i++) {
		struct point_disk *disk = member->disks->pdata[i];
		if (g_strcmp0(disk->target, target) == 0)
			return disk;
	}
	return NULL;
}

char *
point_checkpoint_name(const char *instance, const char *point_id)
{
	return g_strconcat(POINT_NAME_PREFIX, instance, "-", point_id, NULL);
}

char *
point_extents_id(const char *point_id, const char *vm_id, const char *target)
{
	return g_strdup_printf("%s/%s/%s", point_id, vm_id, target);
}

#define STAGING_SUFFIX ".partial"

char *
point_staging_dir(const char *directory, const char *group, const char *point)
{
	g_autofree char *name = g_strconcat(".", point, STAGING_SUFFIX, NULL);
	return g_build_filename(directory, group, name, NULL);
}

gboolean
point_is_staging_dir(const char *path)
{
	g_autofree char *name = g_path_get_basename(path);
	return name[0] == '.' && g_str_has_suffix(name, STAGING_SUFFIX);
}

char *
point_disk_instance_id(const char *vm_id, const char *target)
{
	return g_strdup_printf("Cairn:%s\\%s", vm_id, target);
}

static void
widen(gint64 value, gint64 *low, gint64 *high)
{
	if (value == 0)
		return;
	*low = *low == 0 ? value : MIN(*low, value);
	*high = MAX(*high, value);
}

void
point_summarize(struct point *point)
{
	gint64 stop_low = 0, stop_high = 0, still_low = 0, still_high = 0, begin_low = 0,
	       begin_high = 0, end_low = 0, end_high = 0;
	point->consistency = CONSISTENCY_APPLICATION;
	for (guint i = 0; i < point->members->len; i++) {
		const struct point_member *member = point->members->pdata[i];
		widen(member->stopped_at, &stop_low, &stop_high);
		widen(member->still_at, &still_low, &still_high);
		widen(member->begun_at, &begin_low, &begin_high);
		widen(member->resumed_at, &end_low, &end_high);
		if (member->consistency != CONSISTENCY_APPLICATION)
			point->consistency = CONSISTENCY_CRASH;
	}
	/* With the barrier all stand still from `still_high` on, and nobody goes on before all data
	 * is held: a consistent cut, whatever the skew. */
	point->pause_us = stop_low && end_high ? MAX(0, end_high - stop_low) : 0;
	point->skew_us = point->barrier ? MAX(0, still_high - stop_low) : begin_high - begin_low;
	point->created = point->barrier && still_high ? still_high : begin_high;
}

static json_t *
disk_to_json(const struct point_disk *disk)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "target", disk->target);
	cairn_json_set_string(json, "path", disk->path);
	cairn_json_set_string(json, "format", disk->format);
	cairn_json_set_uint(json, "size", disk->size);
	cairn_json_set_bool(json, "tracked", disk->tracked);
	cairn_json_set_bool(json, "changes", disk->changes);
	cairn_json_set_uint(json, "changed-bytes", disk->changed_bytes);
	cairn_json_set_string(json, "reason", disk->reason);
	return json;
}

static json_t *
member_to_json(const struct point_member *member)
{
	json_t *json = json_object(), *disks = json_array();
	cairn_json_set_string(json, "id", member->id);
	cairn_json_set_string(json, "name", member->name);
	cairn_json_set_string(json, "state", member->state);
	cairn_json_set_string(json, "uri", member->uri);
	cairn_json_set_string(json, "consistency", consistency_name(member->consistency));
	cairn_json_set_string(json, "reason", member->reason);
	cairn_json_set_uint(json, "stopped-at", (guint64)member->stopped_at);
	cairn_json_set_uint(json, "still-at", (guint64)member->still_at);
	cairn_json_set_uint(json, "begun-at", (guint64)member->begun_at);
	cairn_json_set_uint(json, "resumed-at", (guint64)member->resumed_at);
	cairn_json_set_bool(json, "agent", member->agent);
	cairn_json_set_bool(json, "guest-state", member->guest_state);
	cairn_json_set_string(json, "socket", member->socket);
	for (guint i = 0; i < member->disks->len; i++)
		json_array_append_new(disks, disk_to_json(member->disks->pdata[i]));
	cairn_json_set(json, "disks", disks);
	return json;
}

static json_t *
exports_to_json(const struct point *point)
{
	json_t *exports = json_array();
	for (guint i = 0; i < point->exports->len; i++) {
		const struct point_export *done = point->exports->pdata[i];
		json_t *item = json_object();
		cairn_json_set_string(item, "directory", done->directory);
		cairn_json_set_string(item, "job", done->job);
		cairn_json_set_uint(item, "time", (guint64)done->time);
		json_array_append_new(exports, item);
	}
	return exports;
}

json_t *
point_to_json(const struct point *point)
{
	json_t *json = json_object(), *members = json_array();
	cairn_json_set_string(json, "id", point->id);
	cairn_json_set_string(json, "group", point->group);
	cairn_json_set_uint(json, "number", point->number);
	cairn_json_set_uint(json, "created", (guint64)point->created);
	cairn_json_set_string(json, "prev", point->prev);
	cairn_json_set_bool(json, "hidden", point->hidden);
	cairn_json_set_string(json, "requested", consistency_name(point->requested));
	cairn_json_set_string(json, "consistency", consistency_name(point->consistency));
	cairn_json_set_bool(json, "barrier", point->barrier);
	cairn_json_set_uint(json, "pause-us", (guint64)point->pause_us);
	cairn_json_set_uint(json, "skew-us", (guint64)point->skew_us);
	cairn_json_set_uint(json, "freeze-us", (guint64)point->freeze_us);
	cairn_json_set_bool(json, "held", point->held);
	cairn_json_set_uint(json, "hold-until", (guint64)point->hold_until);
	cairn_json_set_string(json, "release-reason", point->release_reason);
	for (guint i = 0; i < point->members->len; i++)
		json_array_append_new(members, member_to_json(point->members->pdata[i]));
	cairn_json_set(json, "members", members);
	cairn_json_set(json, "exports", exports_to_json(point));
	cairn_json_set_strv(json, "partials", point->partials);
	return json;
}

static gboolean
get_text(const json_t *json, const char *key, char **ret_text, GError **error)
{
	const char *text;
	if (!cairn_json_get_string_opt(json, key, &text, error))
		return FALSE;
	g_free(*ret_text);
	*ret_text = g_strdup(text);
	return TRUE;
}

static gboolean
get_time(const json_t *json, const char *key, gint64 *ret_time, GError **error)
{
	guint64 value;
	if (!cairn_json_get_uint_opt(json, key, JSON_MAX_UINT, 0, &value, error))
		return FALSE;
	*ret_time = (gint64)value;
	return TRUE;
}

static gboolean
get_consistency(const json_t *json, const char *key, enum consistency *ret, GError **error)
{
	const char *text;
	return cairn_json_get_string(json, key, &text, error) &&
	       consistency_parse(text, ret, error);
}

static gboolean
disk_from_json(struct point_member *member, const json_t *json, GError **error)
{
	const char *target;
	if (!cairn_json_get_string(json, "target", &target, error))
		return FALSE;
	struct point_disk *disk = point_add_disk(member, target);
	return get_text(json, "path", &disk->path, error) &&
	       get_text(json, "format", &disk->format, error) &&
	       get_text(json, "reason", &disk->reason, error) &&
	       cairn_json_get_uint(json, "size", JSON_MAX_UINT, &disk->size, error) &&
	       cairn_json_get_bool_opt(json, "tracked", FALSE, &disk->tracked, error) &&
	       cairn_json_get_bool_opt(json, "changes", FALSE, &disk->changes, error) &&
	       cairn_json_get_uint_opt(json, "changed-bytes", JSON_MAX_UINT, 0,
				       &disk->changed_bytes, error);
}

static gboolean
member_from_json(struct point *point, const json_t *json, GError **error)
{
	const char *id, *name;
	const json_t *disks;
	if (!cairn_json_get_string(json, "id", &id, error) ||
	    !cairn_json_get_string(json, "name", &name, error) ||
	    !cairn_json_get_array_opt(json, "disks", &disks, error))
		return FALSE;
	struct point_member *member = point_add_member(point, id, name);
	for (size_t i = 0; i < json_array_size(disks); i++)
		if (!disk_from_json(member, json_array_get(disks, i), error))
			return FALSE;
	return get_text(json, "state", &member->state, error) &&
	       get_text(json, "uri", &member->uri, error) &&
	       get_text(json, "socket", &member->socket, error) &&
	       cairn_json_get_bool_opt(json, "agent", FALSE, &member->agent, error) &&
	       cairn_json_get_bool_opt(json, "guest-state", FALSE, &member->guest_state, error) &&
	       get_text(json, "reason", &member->reason, error) &&
	       get_consistency(json, "consistency", &member->consistency, error) &&
	       get_time(json, "stopped-at", &member->stopped_at, error) &&
	       get_time(json, "still-at", &member->still_at, error) &&
	       get_time(json, "begun-at", &member->begun_at, error) &&
	       get_time(json, "resumed-at", &member->resumed_at, error);
}

static gboolean
lists_from_json(struct point *point, const json_t *json, GError **error)
{
	const json_t *members, *exports;
	if (!cairn_json_get_array_opt(json, "members", &members, error) ||
	    !cairn_json_get_array_opt(json, "exports", &exports, error))
		return FALSE;
	for (size_t i = 0; i < json_array_size(members); i++)
		if (!member_from_json(point, json_array_get(members, i), error))
			return FALSE;
	for (size_t i = 0; i < json_array_size(exports); i++) {
		const json_t *item = json_array_get(exports, i);
		const char *directory, *job;
		gint64 time;
		if (!cairn_json_get_string(item, "directory", &directory, error) ||
		    !cairn_json_get_string(item, "job", &job, error) ||
		    !get_time(item, "time", &time, error))
			return FALSE;
		point_add_export(point, directory, job, time);
	}
	g_clear_pointer(&point->partials, g_strfreev);
	return cairn_json_get_strv_opt(json, "partials", &point->partials, error);
}

struct point *
point_from_json(const json_t *json, GError **error)
{
	const char *id, *group;
	if (!cairn_json_get_string(json, "id", &id, error) ||
	    !cairn_json_get_string(json, "group", &group, error))
		return NULL;
	cairn_auto(point) point = point_new(id, group);
	gboolean ok = cairn_json_get_uint(json, "number", JSON_MAX_UINT, &point->number, error) &&
		      get_time(json, "created", &point->created, error) &&
		      get_text(json, "prev", &point->prev, error) &&
		      cairn_json_get_bool_opt(json, "hidden", FALSE, &point->hidden, error) &&
		      get_consistency(json, "requested", &point->requested, error) &&
		      get_consistency(json, "consistency", &point->consistency, error) &&
		      cairn_json_get_bool_opt(json, "barrier", TRUE, &point->barrier, error) &&
		      get_time(json, "pause-us", &point->pause_us, error) &&
		      get_time(json, "skew-us", &point->skew_us, error) &&
		      get_time(json, "freeze-us", &point->freeze_us, error) &&
		      cairn_json_get_bool_opt(json, "held", FALSE, &point->held, error) &&
		      get_time(json, "hold-until", &point->hold_until, error) &&
		      get_text(json, "release-reason", &point->release_reason, error) &&
		      lists_from_json(point, json, error);
	return ok ? g_steal_pointer(&point) : NULL;
}

struct point *
point_copy(const struct point *point)
{
	g_autoptr(json_t) json = point_to_json(point);
	struct point *copy = point_from_json(json, NULL);
	g_assert(copy);
	return copy;
}

struct point_member *
point_member_copy(const struct point_member *member)
{
	g_autoptr(json_t) json = member_to_json(member);
	cairn_auto(point) holder = point_new("", "");
	gboolean ok = member_from_json(holder, json, NULL);
	g_assert(ok);
	return g_ptr_array_steal_index(holder->members, 0);
}
