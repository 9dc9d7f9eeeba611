/* Exports for tests; see export_maker.h. */
#include "export_maker.h"

#include "base/file.h"
#include "base/guid.h"
#include "base/json.h"
#include "image/manifest.h"
#include "image/result.h"
#include "image/sink.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const maker_vm_names[2] = {"web one", "db"};
const char *const maker_targets[MAKER_DISKS] = {"vda", "vdb", "vda"};

guint
maker_vm_of(guint disk)
{
	return disk / 2;
}

static guint
clusters_of(const struct maker *maker)
{
	return (guint)((maker->options.size + SINK_CLUSTER - 1) / SINK_CLUSTER);
}

struct maker *
maker_new(const struct maker_options *options)
{
	g_autoptr(GError) error = NULL;
	struct maker *maker = g_new0(struct maker, 1);
	maker->options = *options;
	maker->dir = g_dir_make_tmp("cairn-export-XXXXXX", &error);
	g_assert_no_error(error);
	maker->group_id = cairn_guid_new();
	maker->vm_ids[0] = cairn_guid_new();
	maker->vm_ids[1] = cairn_guid_new();
	maker->rand = g_rand_new_with_seed(options->seed);
	maker->points = g_ptr_array_new();
	for (guint i = 0; i < MAKER_DISKS; i++) {
		maker->now[i] = g_malloc0(options->size + 1);
		maker->dirty[i] = g_malloc0(clusters_of(maker));
	}
	return maker;
}

void
maker_free(struct maker *maker)
{
	if (!maker)
		return;
	g_assert_true(cairn_remove_tree(maker->dir, NULL));
	for (guint i = 0; i < maker->points->len; i++) {
		struct maker_point *point = g_ptr_array_index(maker->points, i);
		for (guint k = 0; k < MAKER_DISKS; k++)
			g_free(point->disks[k]);
		g_free(point->id);
		g_free(point->path);
		g_free(point);
	}
	for (guint i = 0; i < MAKER_DISKS; i++) {
		g_free(maker->now[i]);
		g_free(maker->dirty[i]);
	}
	g_ptr_array_unref(maker->points);
	g_rand_free(maker->rand);
	g_free(maker->vm_ids[0]);
	g_free(maker->vm_ids[1]);
	g_free(maker->group_id);
	g_free(maker->dir);
	g_free(maker);
}

static guint64
random_below(struct maker *maker, guint64 end)
{
	return ((guint64)g_rand_int(maker->rand) << 32 | g_rand_int(maker->rand)) % end;
}

/* Half of what is written can be compressed. */
static void
fill(struct maker *maker, guint8 *at, guint64 len)
{
	gboolean noise = g_rand_boolean(maker->rand);
	for (guint64 i = 0; i < len; i++)
		at[i] = noise ? (guint8)g_rand_int(maker->rand) : (guint8)(i / 64 + 1);
}

static void
change_disk(struct maker *maker, guint disk)
{
	for (guint n = (guint)random_below(maker, 4) + 1; n > 0; n--) {
		guint64 begin = random_below(maker, maker->options.size);
		guint64 len = random_below(maker, 5 * SINK_CLUSTER / 2) + 1;
		gboolean zero = random_below(maker, 3) == 0;
		if (zero) { /* as a discard does: whole clusters */
			begin &= ~(guint64)(SINK_CLUSTER - 1);
			len = (len / SINK_CLUSTER + 1) * SINK_CLUSTER;
		}
		len = MIN(len, maker->options.size - begin);
		if (zero)
			memset(maker->now[disk] + begin, 0, len);
		else
			fill(maker, maker->now[disk] + begin, len);
		for (guint64 c = begin / SINK_CLUSTER; c <= (begin + len - 1) / SINK_CLUSTER; c++)
			maker->dirty[disk][c] = 1;
	}
}

void
maker_change(struct maker *maker)
{
	for (guint i = 0; i < MAKER_DISKS; i++)
		change_disk(maker, i);
}

static const struct maker_point *
last_point(const struct maker *maker)
{
	return maker->points->len ? g_ptr_array_index(maker->points, maker->points->len - 1) : NULL;
}

char *
maker_image(const struct maker *maker, const struct maker_point *point, guint disk)
{
	return g_strdup_printf("%s/%s/%s.%s", point->path, maker->vm_ids[maker_vm_of(disk)],
			       maker_targets[disk], maker->options.format);
}

static void
put_blocks(struct maker *maker, guint disk, gboolean full, struct sink *sink, struct result *result)
{
	cairn_auto(sink_scratch) scratch = sink_scratch_new(sink);
	g_autofree guint8 *buffer = g_malloc(SINK_BLOCK), *packed = g_malloc(SINK_BLOCK);
	gboolean raw = strcmp(maker->options.format, "raw") == 0;
	for (guint32 index = 0; (guint64)index * SINK_BLOCK < maker->options.size; index++) {
		guint64 begin = (guint64)index * SINK_BLOCK, end = maker->options.size;
		struct sink_block block = {.index = index, .buffer = buffer, .packed = packed};
		gboolean carried = FALSE;
		memcpy(buffer, maker->now[disk] + begin, MIN(SINK_BLOCK, end - begin));
		for (guint i = 0; i < SINK_PER_BLOCK && begin + i * SINK_CLUSTER < end; i++) {
			gboolean dirty = maker->dirty[disk][index * SINK_PER_BLOCK + i];
			block.data |= full || dirty ? (guint16)(1U << i) : 0;
			block.base |= raw && !full && !dirty ? (guint16)(1U << i) : 0;
		}
		if (!block.data && !block.base)
			continue;
		g_assert_true(sink_prepare(sink, scratch, &block, &carried, NULL));
		if (!carried)
			continue;
		g_assert_true(sink_place(sink, &block, NULL));
		g_assert_true(sink_write(sink, &block, NULL));
		result_add(result, index, block.digest);
	}
}

static json_t *
export_disk(struct maker *maker, const struct maker_point *point, const struct maker_point *base,
	    guint disk)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = maker_image(maker, point, disk);
	g_autofree char *parent = base ? maker_image(maker, base, disk) : NULL;
	gboolean qcow2 = strcmp(maker->options.format, "qcow2") == 0;
	g_autofree char *backing = base && qcow2 ? g_strdup_printf("../../%s/%s/%s.qcow2", base->id,
								   maker->vm_ids[maker_vm_of(disk)],
								   maker_targets[disk])
						 : NULL;
	struct sink_options options = {.format = maker->options.format,
				       .path = path,
				       .size = maker->options.size,
				       .incremental = base != NULL,
				       .parent = parent,
				       .backing = backing,
				       .compress = maker->options.compress,
				       .digest = maker->options.digest};
	cairn_auto(sink) sink = sink_open(&options, &error);
	g_assert_no_error(error);
	cairn_auto(result) result = result_new(maker->options.digest);
	put_blocks(maker, disk, !base, sink, result);
	g_assert_true(sink_finish(sink, &result->totals, &error));
	result->format = maker->options.format;
	result->kind = base ? "incremental" : "full";
	result->backing = backing;
	result->compress = maker->options.compress;
	result->size = maker->options.size;
	json_t *json = result_json(result);
	g_autofree char *relative = g_strdup(path + strlen(point->path) + 1);
	cairn_json_set_string(json, "target", maker_targets[disk]);
	cairn_json_set_string(json, "id", disk == 0 ? "first" : NULL);
	cairn_json_set_string(json, "path", relative);
	cairn_json_set_string(json, "reason", NULL);
	return json;
}

static json_t *
small_file(const struct maker_point *point, const char *vm, const char *name, const char *text)
{
	g_autofree char *relative = g_build_filename(vm, name, NULL);
	g_autofree char *path = g_build_filename(point->path, relative, NULL);
	g_autofree char *folder = g_path_get_dirname(path);
	g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	json_t *json = manifest_describe_file(point->path, relative, NULL);
	g_assert_nonnull(json);
	return json;
}

static char *
domain_xml(const struct maker *maker, guint vm)
{
	g_autofree char *second =
		vm == 0 ? g_strdup("<disk type='network' device='disk'><driver name='qemu' "
				   "type='raw' cache='none'/><source protocol='nbd' name='x'>"
				   "<host name='h'/></source><target dev='vdb' "
				   "bus='virtio'/></disk>")
			: g_strdup("");
	return g_strdup_printf(
		"<domain type='qemu'>\n  <name>%s</name>\n  <uuid>%s</uuid>\n"
		"  <os><type>hvm</type><nvram>/var/lib/nvram/one_VARS.fd</nvram></os>\n"
		"  <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
		"<source file='/srv/a&amp;b.qcow2'/><backingStore/><target dev='vda'/></disk>%s"
		"<disk type='file' device='cdrom'><target dev='sda'/></disk>"
		"<interface type='user'><mac address='52:54:00:00:00:01'/></interface></devices>\n"
		"</domain>\n",
		maker_vm_names[vm], maker->vm_ids[vm], second);
}

static json_t *
export_vm(struct maker *maker, const struct maker_point *point, const struct maker_point *base,
	  guint vm)
{
	const char *id = maker->vm_ids[vm];
	g_autofree char *xml = domain_xml(maker, vm);
	json_t *json = json_object(), *state = json_array(), *disks = json_array();
	cairn_json_set_string(json, "id", id);
	cairn_json_set_string(json, "name", maker_vm_names[vm]);
	cairn_json_set_string(json, "state", vm == 0 ? "running" : "shutoff");
	cairn_json_set_string(json, "consistency", "crash");
	cairn_json_set_string(json, "consistency-reason", "no agent");
	cairn_json_set(json, "config", small_file(point, id, "config.xml", xml));
	if (vm == 0) {
		cairn_json_set(json, "runtime", small_file(point, id, "runtime.json", "{}\n"));
		json_array_append_new(state,
				      small_file(point, id, "guest-state/one_VARS.fd", "vars"));
		json_array_append_new(state, small_file(point, id, "guest-state/tpm/state", "t"));
	}
	cairn_json_set(json, "guest-state", state);
	for (guint i = 0; i < MAKER_DISKS; i++)
		if (maker_vm_of(i) == vm)
			json_array_append_new(disks, export_disk(maker, point, base, i));
	cairn_json_set(json, "disks", disks);
	return json;
}

static json_t *
manifest_json(struct maker *maker, const struct maker_point *point, const struct maker_point *base)
{
	json_t *json = json_object(), *vms = json_array();
	g_autofree char *created = g_strdup_printf("2026-11-21T10:%02u:00Z", point->number % 60);
	cairn_json_set_string(json, "format", MANIFEST_FORMAT);
	cairn_json_set_uint(json, "version", MANIFEST_VERSION);
	cairn_json_set_string(json, "created", created);
	cairn_json_set_string(json, "generator", "cairn test");
	cairn_json_set(json, "group", json_pack("{ssss}", "id", maker->group_id, "name", "shop"));
	cairn_json_set(json, "point",
		       json_pack("{sssissss}", "id", point->id, "number", (int)point->number,
				 "created", created, "consistency", "crash"));
	cairn_json_set(json, "base",
		       base ? json_pack("{sssi}", "id", base->id, "number", (int)base->number)
			    : json_null());
	json_array_append_new(vms, export_vm(maker, point, base, 0));
	json_array_append_new(vms, export_vm(maker, point, base, 1));
	cairn_json_set(json, "vms", vms);
	return json;
}

const struct maker_point *
maker_export(struct maker *maker, gboolean full)
{
	const struct maker_point *base = full ? NULL : last_point(maker);
	struct maker_point *point = g_new0(struct maker_point, 1);
	g_autoptr(GError) error = NULL;
	point->id = cairn_guid_new();
	point->number = maker->points->len + 1;
	point->path = g_build_filename(maker->dir, maker->group_id, point->id, NULL);
	g_assert_cmpint(g_mkdir_with_parents(point->path, 0700), ==, 0);
	g_autoptr(json_t) json = manifest_json(maker, point, base);
	g_assert_true(manifest_write(point->path, json, &error));
	g_assert_no_error(error);
	for (guint i = 0; i < MAKER_DISKS; i++) {
		point->disks[i] = g_memdup2(maker->now[i], maker->options.size);
		memset(maker->dirty[i], 0, clusters_of(maker));
	}
	g_ptr_array_add(maker->points, point);
	return point;
}

json_t *
maker_manifest(const struct maker_point *point)
{
	g_autofree char *path = g_build_filename(point->path, MANIFEST_NAME, NULL);
	json_t *json = json_load_file(path, 0, NULL);
	g_assert_nonnull(json);
	return json;
}

void
maker_put_manifest(const struct maker_point *point, const json_t *manifest)
{
	g_autoptr(GError) error = NULL;
	g_assert_true(manifest_write(point->path, manifest, &error));
	g_assert_no_error(error);
}

void
maker_flip(const char *path, guint64 offset)
{
	CAIRN_AUTO_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	guint8 byte;
	g_assert_cmpint(pread(fd, &byte, 1, (off_t)offset), ==, 1);
	byte ^= 1;
	g_assert_cmpint(pwrite(fd, &byte, 1, (off_t)offset), ==, 1);
}

guint64
maker_file_size(const char *path)
{
	struct stat st;
	g_assert_cmpint(stat(path, &st), ==, 0);
	return (guint64)st.st_size;
}

struct maker *
maker_chain(const char *format, gboolean compress, guint64 size, guint points)
{
	guint32 seed = g_test_rand_int();
	struct maker_options options = {format, compress, DIGEST_XXH3, size, seed};
	g_test_message("seed %u", seed);
	struct maker *maker = maker_new(&options);
	for (guint i = 0; i < points; i++) {
		maker_change(maker);
		maker_export(maker, FALSE);
	}
	return maker;
}
