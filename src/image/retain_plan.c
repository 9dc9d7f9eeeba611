/* The plan of a retention; see retain_plan.h. */
#include "image/retain_plan.h"

#include "base/error.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "image/chain.h"
#include "image/qcow2.h"

#include <string.h>

/* Everything is by the index of an export in the list. */
struct planning {
	const GPtrArray *list; /* struct export_entry */
	guint n;
	guint *bases;	/* as the manifests say; or RETENTION_... */
	char **faults;	/* why a disk of it cannot be read through its chain; NULL */
	gboolean *kept; /* somebody keeps it */
	char **reasons; /* why it is kept; NULL */
	struct retention_step *steps;
};

static void
clear_texts(char **texts, guint n)
{
	for (guint i = 0; i < n; i++)
		g_clear_pointer(&texts[i], g_free);
}

static void
planning_free(struct planning *planning)
{
	clear_texts(planning->faults, planning->n);
	clear_texts(planning->reasons, planning->n);
	g_free(planning->bases);
	g_free(planning->faults);
	g_free(planning->kept);
	g_free(planning->reasons);
	g_free(planning->steps);
	g_free(planning);
}
CAIRN_DEFINE_AUTO(planning, planning_free)

static void
entry_free(struct retain_entry *entry)
{
	g_free(entry->reason);
	g_free(entry);
}

void
retain_plan_free(struct retain_plan *plan)
{
	if (!plan)
		return;
	g_free(plan->dir);
	g_free(plan->group_id);
	g_free(plan->group_name);
	g_clear_pointer(&plan->entries, g_ptr_array_unref);
	g_clear_pointer(&plan->list, g_ptr_array_unref);
	g_free(plan);
}

static const struct export_entry *
export_at(const struct planning *planning, guint i)
{
	return i == RETENTION_NO_BASE ? NULL : g_ptr_array_index(planning->list, i);
}

/* ---- who is based on whom ---- */

static guint
find_base(GHashTable *places, const struct export_entry *export)
{
	gpointer place;
	if (export->error)
		return RETENTION_MISSING_BASE;
	if (!export->base_id)
		return RETENTION_NO_BASE;
	if (!g_hash_table_lookup_extended(places, export->base_id, NULL, &place))
		return RETENTION_MISSING_BASE;
	return GPOINTER_TO_UINT(place);
}

static struct planning *
planning_new(const GPtrArray *list)
{
	struct planning *planning = g_new0(struct planning, 1);
	g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
	guint n = planning->n = list->len;
	planning->list = list;
	planning->bases = g_new0(guint, n);
	planning->faults = g_new0(char *, n);
	planning->kept = g_new0(gboolean, n);
	planning->reasons = g_new0(char *, n);
	planning->steps = g_new0(struct retention_step, n);
	for (guint i = 0; i < n; i++)
		if (!export_at(planning, i)->error)
			g_hash_table_insert(places, export_at(planning, i)->point_id,
					    GUINT_TO_POINTER(i));
	for (guint i = 0; i < n; i++)
		planning->bases[i] = find_base(places, export_at(planning, i));
	return planning;
}

/* ---- what becomes of each ---- */

/* What cannot be restored is no reason to let something go that can: it does not count. */
static void
pick(struct planning *planning, const gboolean *usable, const struct retention *retention,
     GTimeZone *zone)
{
	g_autofree gint64 *times = g_new(gint64, planning->n);
	g_autofree struct retention_mark *marks = g_new(struct retention_mark, planning->n);
	guint count = 0, k = 0;
	for (guint i = 0; i < planning->n; i++)
		if (usable[i])
			times[count++] = export_at(planning, i)->created;
	retention_pick(retention, zone, times, count, marks);
	clear_texts(planning->reasons, planning->n);
	for (guint i = 0; i < planning->n; i++) {
		planning->kept[i] = usable[i] && marks[k].keepers;
		if (usable[i])
			planning->reasons[i] =
				retention_reason(retention, zone, times[k], &marks[k]);
		k += usable[i];
	}
}

/* Other disks of an export with a broken one may be whole: what it is based on stays. */
static void
protect(struct planning *planning, guint broken)
{
	for (guint i = planning->bases[broken]; i != RETENTION_NO_BASE; i = planning->bases[i]) {
		if (!planning->kept[i])
			planning->reasons[i] = g_strdup_printf("point %" G_GUINT64_FORMAT
							       ", which is damaged, is based on it",
							       export_at(planning, broken)->number);
		planning->kept[i] = TRUE;
	}
}

static void
decide(struct planning *planning, const struct retention *retention, GTimeZone *zone)
{
	g_autofree guint *bases = g_memdup2(planning->bases, planning->n * sizeof(guint));
	g_autofree gboolean *usable = g_new(gboolean, planning->n + 1);
	for (guint i = 0; i < planning->n; i++)
		if (planning->faults[i])
			bases[i] = RETENTION_MISSING_BASE;
	retention_usable(bases, planning->n, usable);
	pick(planning, usable, retention, zone);
	for (guint i = 0; i < planning->n; i++)
		if (planning->faults[i])
			protect(planning, i);
	retention_decide(bases, planning->kept, planning->n, planning->steps);
}

/* ---- what a merge costs ---- */

/* A full image of the disk with its tables, if nothing in it were zero. */
static guint64
image_max(guint64 size)
{
	guint64 clusters = size / QCOW2_CLUSTER + 1;
	return (clusters + clusters / 1024 + 16) * QCOW2_CLUSTER;
}

/* Adds up the images of @disk in the first @points points of @chain. */
static gboolean
measure_disk(struct retain_entry *entry, struct chain *chain, guint points, const char *vm,
	     const struct manifest_disk *disk, GError **error)
{
	guint64 sum = 0, max = image_max(disk->size);
	const struct manifest_disk *at = disk;
	for (guint depth = 0; depth < points; depth++) {
		sum += at->file_size;
		if (!at->backing)
			break;
		const struct chain_point *base = chain_get(chain, depth + 1, error);
		at = base ? chain_base_disk(base->manifest, vm, at, error) : NULL;
		if (!at)
			return FALSE;
	}
	entry->removed += disk->file_size;
	entry->written += MIN(sum, max);
	return TRUE;
}

static gboolean
measure(struct retain_entry *entry, GError **error)
{
	cairn_auto(chain) chain = chain_new(entry->export->path, FALSE, error);
	if (!chain)
		return FALSE;
	const struct manifest *manifest = chain_get(chain, 0, NULL)->manifest;
	for (guint i = 0; i < manifest->vms->len; i++) {
		const struct manifest_vm *vm = g_ptr_array_index(manifest->vms, i);
		for (guint k = 0; k < vm->disks->len; k++) {
			const struct manifest_disk *disk = g_ptr_array_index(vm->disks, k);
			if (!disk->backing ||
			    measure_disk(entry, chain, entry->absorbs + 1, vm->id, disk, error))
				continue;
			g_prefix_error(error, "disk \"%s:%s\": ", vm->name, disk->target);
			return FALSE;
		}
	}
	return TRUE;
}

/* ---- the entries ---- */

static char *
why_left(const struct planning *planning, guint i)
{
	const struct export_entry *export = export_at(planning, i);
	if (export->error)
		return g_strdup(export->error->message);
	if (planning->faults[i])
		return g_strdup(planning->faults[i]);
	return g_strdup("it is based on exports that are missing or damaged");
}

static char *
why_kept(const struct planning *planning, guint i)
{
	if (!planning->steps[i].needed_by)
		return g_strdup(planning->reasons[i]);
	return g_strdup_printf("%u later exports are based on it", planning->steps[i].needed_by);
}

static struct retain_entry *
entry_new(const struct planning *planning, guint i)
{
	const struct retention_step *step = &planning->steps[i];
	struct retain_entry *entry = g_new0(struct retain_entry, 1);
	entry->export = export_at(planning, i);
	entry->action = step->action;
	if (step->action == RETENTION_LEAVE) {
		entry->reason = why_left(planning, i);
		return entry;
	}
	entry->reason = why_kept(planning, i);
	entry->into = export_at(planning, step->user);
	if (step->action == RETENTION_DELETE)
		entry->removed = entry->export->bytes;
	if (step->action != RETENTION_MERGE)
		return entry;
	entry->base = export_at(planning, step->base);
	for (guint at = planning->bases[i]; at != step->base; at = planning->bases[at])
		entry->absorbs++;
	return entry;
}

static void
add_entry(struct retain_plan *plan, struct retain_entry *entry)
{
	g_ptr_array_add(plan->entries, entry);
	plan->kept += entry->action == RETENTION_KEEP || entry->action == RETENTION_MERGE;
	plan->merged += entry->action == RETENTION_MERGE;
	plan->deleted += entry->action == RETENTION_DELETE;
	plan->left += entry->action == RETENTION_LEAVE;
	plan->removed += entry->removed;
	plan->written += entry->written;
}

/* Forgets what an earlier try has put in. FALSE: an export turned out to be damaged, which changes
 * what the others are for. */
static gboolean
fill(struct retain_plan *plan, struct planning *planning)
{
	g_ptr_array_set_size(plan->entries, 0);
	plan->kept = plan->merged = plan->deleted = plan->left = 0;
	plan->removed = plan->written = 0;
	for (guint i = 0; i < planning->n; i++) {
		g_autoptr(GError) error = NULL;
		struct retain_entry *entry = entry_new(planning, i);
		if (entry->action == RETENTION_MERGE && !measure(entry, &error)) {
			planning->faults[i] = g_strdup(error->message);
			entry_free(entry);
			return FALSE;
		}
		add_entry(plan, entry);
	}
	return TRUE;
}

static void
name_group(struct retain_plan *plan)
{
	plan->group_id = g_path_get_basename(plan->dir);
	for (guint i = 0; i < plan->list->len; i++) {
		const struct export_entry *export = g_ptr_array_index(plan->list, i);
		if (!export->group_name)
			continue;
		g_free(plan->group_name);
		plan->group_name = g_strdup(export->group_name);
	}
}

struct retain_plan *
retain_plan_new(const char *dir, const struct retention *retention, GTimeZone *zone, GError **error)
{
	cairn_auto(retain_plan) plan = g_new0(struct retain_plan, 1);
	enum export_level level;
	plan->dir = g_canonicalize_filename(dir, NULL);
	plan->list = export_list(plan->dir, &level, error);
	if (!plan->list)
		return NULL;
	if (level != EXPORT_GROUP && plan->list->len > 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "\"%s\" is not the folder of one group", dir);
		return NULL;
	}
	plan->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
	name_group(plan);
	cairn_auto(planning) planning = planning_new(plan->list);
	do
		decide(planning, retention, zone);
	while (!fill(plan, planning));
	return g_steal_pointer(&plan);
}

/* ---- for people ---- */

static json_t *
point_json(const struct export_entry *export)
{
	if (!export)
		return json_null();
	json_t *json = json_object();
	g_autofree char *created = export->created ? cairn_time_iso(export->created) : NULL;
	cairn_json_set_string(json, "id", export->point_id);
	cairn_json_set_uint(json, "number", export->number);
	cairn_json_set_string(json, "created", created);
	return json;
}

static json_t *
entry_json(const struct retain_entry *entry)
{
	static const char *const actions[] = {
		[RETENTION_KEEP] = "keep",
		[RETENTION_MERGE] = "merge",
		[RETENTION_DELETE] = "delete",
		[RETENTION_LEAVE] = "leave",
	};
	json_t *json = json_object();
	cairn_json_set(json, "point", point_json(entry->export));
	cairn_json_set_string(json, "action", actions[entry->action]);
	cairn_json_set_string(json, "reason", entry->reason);
	cairn_json_set_bool(json, "partial", entry->export->partial);
	cairn_json_set(json, "base", point_json(entry->base));
	cairn_json_set(json, "into", point_json(entry->into));
	cairn_json_set_uint(json, "absorbs", entry->absorbs);
	cairn_json_set_uint(json, "bytes", entry->export->bytes);
	cairn_json_set_uint(json, "bytes-removed", entry->removed);
	cairn_json_set_uint(json, "bytes-written", entry->written);
	return json;
}

json_t *
retain_plan_json(const struct retain_plan *plan)
{
	json_t *json = json_object(), *group = json_object(), *entries = json_array();
	cairn_json_set_string(group, "id", plan->group_id);
	cairn_json_set_string(group, "name", plan->group_name);
	cairn_json_set(json, "group", group);
	cairn_json_set_uint(json, "kept", plan->kept);
	cairn_json_set_uint(json, "merged", plan->merged);
	cairn_json_set_uint(json, "deleted", plan->deleted);
	cairn_json_set_uint(json, "left", plan->left);
	cairn_json_set_uint(json, "bytes-removed", plan->removed);
	cairn_json_set_uint(json, "bytes-written", plan->written);
	for (guint i = 0; i < plan->entries->len; i++)
		json_array_append_new(entries, entry_json(g_ptr_array_index(plan->entries, i)));
	cairn_json_set(json, "exports", entries);
	return json;
}
