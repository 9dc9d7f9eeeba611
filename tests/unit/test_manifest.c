/* The manifest: the page's example, what is refused, what is written. */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "image/manifest.h"

#include <glib/gstdio.h>
#include <string.h>

#define PAGE CAIRN_SOURCE_ROOT "/man/cairn-export-format.7"

/* The JSON between ".Bd -literal" and ".Ed" that begins with a brace. */
static char *
example(void)
{
	g_autofree char *page = NULL;
	g_assert_true(g_file_get_contents(PAGE, &page, NULL, NULL));
	char *begin = strstr(page, ".Bd -literal\n{");
	g_assert_nonnull(begin);
	begin = strchr(begin, '{');
	char *end = strstr(begin, "\n.Ed");
	g_assert_nonnull(end);
	return g_strndup(begin, (gsize)(end - begin) + 1);
}

static void
test_example(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = example();
	cairn_auto(manifest) manifest = manifest_parse(text, strlen(text), &error);
	g_assert_no_error(error);
	g_assert_cmpstr(manifest->group_name, ==, "shop");
	g_assert_cmpuint(manifest->point_number, ==, 2);
	g_assert_cmpuint(manifest->base_number, ==, 1);
	g_assert_cmpint(manifest->created_usec, ==, G_GINT64_CONSTANT(1795256430123456));
	g_assert_cmpuint(manifest->vms->len, ==, 1);
	const struct manifest_vm *vm =
		manifest_find_vm(manifest, "A3C0E8B2-6B6E-4F53-9D1A-2E5B8C7D6F10");
	const struct manifest_disk *disk = manifest_find_disk(vm, "vda");
	g_assert_nonnull(disk);
	g_assert_null(manifest_find_disk(vm, "vdb"));
	g_assert_true(disk->incremental);
	g_assert_cmpint(disk->format, ==, MANIFEST_QCOW2);
	g_assert_cmpuint(disk->n_digests, ==, 3);
	g_assert_cmpuint(disk->digests[23], ==, 0x17);
	g_assert_null(disk->compression);
	g_autofree char *backing = manifest_backing_name(manifest->base_id, disk);
	g_assert_cmpstr(backing, ==, disk->backing);
}

/* Every beginning of the text is an error, never a crash. */
static void
test_truncated(void)
{
	g_autofree char *text = example();
	gsize len = strlen(text);
	while (text[len - 1] != '}')
		len--;
	for (gsize i = 0; i < len; i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *copy = g_memdup2(text, i + 1);
		g_assert_null(manifest_parse(copy, i, &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
}

/* Follows "vms/0/disks/0/path" to the object that has the last part. */
static json_t *
holder(json_t *json, const char *path, char **ret_last)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	char **part = parts;
	for (; part[1]; part++)
		json = g_ascii_isdigit(**part) ? json_array_get(json, (size_t)(*part)[0] - '0')
					       : json_object_get(json, *part);
	g_assert_nonnull(json);
	*ret_last = g_strdup(*part);
	return json;
}

#define VM   "vms/0/"
#define DISK "vms/0/disks/0/"
#define VMID "A3C0E8B2-6B6E-4F53-9D1A-2E5B8C7D6F10"
#define BASE "5D9A4E0C-0E57-4C55-A3B1-6E0B6A1F7C01"

/* What each value in its place must be: refused (FALSE) or taken. NULL: the member removed. */
static const struct {
	const char *path, *value;
	gboolean ok;
} changes[] = {
	{"surprise", "{\"deep\":[1,2]}", TRUE},
	{DISK "surprise", "true", TRUE},
	{"format", "\"other\"", FALSE},
	{"version", "2", FALSE},
	{"version", "0", FALSE},
	{"version", "\"1\"", FALSE},
	{"version", NULL, FALSE},
	{"generator", NULL, TRUE},
	{"group/id", "\"0f1a6d1e-52c5-4b3b-9a05-3f7a0c2b9d11\"", FALSE},
	{"group/id", "\"..\"", FALSE},
	{"group/name", "\"\"", FALSE},
	{"group/name", "\"a\\nb\"", FALSE},
	{"group/name", "\"caf\\u00e9\"", TRUE},
	{"point/number", "-1", FALSE},
	{"point/number", "9007199254740993", FALSE},
	{"point/created", "\"yesterday\"", FALSE},
	{"point/consistency", "\"good\"", FALSE},
	{"point/skew-us", "\"ignored here\"", TRUE},
	{"base", "null", FALSE},
	{"base/id", "\"7C2B3D44-93F7-4E0B-8C55-0B1B5B7B2A02\"", FALSE},
	{"vms", NULL, FALSE},
	{"vms", "{}", FALSE},
	{"vms", "[]", TRUE},
	{"vms", "[7]", FALSE},
	{VM "id", "\"B3C0E8B2-6B6E-4F53-9D1A-2E5B8C7D6F10\"", FALSE},
	{VM "state", "\"flying\"", FALSE},
	{VM "runtime", "null", TRUE},
	{VM "config", "null", FALSE},
	{VM "config/sha256", "\"e3b0\"", FALSE},
	{VM "config/size", "1099511627776", FALSE},
	{VM "config/path", "\"" VMID "/runtime.json\"", FALSE},
	{VM "config/path", "\"" VMID "/../config.xml\"", FALSE},
	{VM "config/path", "\"/etc/passwd\"", FALSE},
	{VM "config/path", "\"" VMID "//config.xml\"", FALSE},
	{VM "config/path", "\"" VMID "/./config.xml\"", FALSE},
	{VM "config/path", "\"" VMID "/\"", FALSE},
	{VM "config/path", "\"manifest.json\"", FALSE},
	{VM "guest-state",
	 "[{\"path\":\"" VMID "/guest-state/x\",\"size\":1,\"sha256\":"
	 "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]",
	 TRUE},
	{VM "guest-state",
	 "[{\"path\":\"" VMID "/x\",\"size\":1,\"sha256\":"
	 "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]",
	 FALSE},
	{VM "disks", "[]", TRUE},
	{VM "disks", "[{}]", FALSE},
	{DISK "target", "\"../x\"", FALSE},
	{DISK "target", "\"\"", FALSE},
	{DISK "id", "null", TRUE},
	{DISK "kind", "\"full\"", FALSE}, /* with a backing */
	{DISK "kind", "\"differential\"", FALSE},
	{DISK "format", "\"vhdx\"", FALSE},
	{DISK "backing", "null", FALSE},
	{DISK "backing", "\"/etc/passwd\"", FALSE},
	{DISK "backing", "\"../../" BASE "/../x\"", FALSE},
	{DISK "backing", "\"nbd://host/x\"", FALSE},
	{DISK "compression", "\"zstd\"", TRUE},
	{DISK "compression", "\"lzma\"", FALSE},
	{DISK "size", "-1", FALSE},
	{DISK "size", "1048576", FALSE}, /* the runs are beyond it */
	{DISK "size", "3145729", TRUE},
	{DISK "size", "72057594037927936", FALSE},
	{DISK "blocks", "null", FALSE},
	{DISK "blocks/size", "65536", FALSE},
	{DISK "blocks/algorithm", "\"md5\"", FALSE},
	{DISK "blocks/algorithm", "\"sha256\"", FALSE}, /* the digests are too short */
	{DISK "blocks/runs", "[[0,3]]", TRUE},
	{DISK "blocks/runs", "[[0,2],[2,1]]", TRUE},
	{DISK "blocks/runs", "[[0,2],[1,1]]", FALSE},
	{DISK "blocks/runs", "[[3,1],[0,2]]", FALSE},
	{DISK "blocks/runs", "[[2,3]]", FALSE},
	{DISK "blocks/runs", "[[0,9223372036854775807]]", FALSE},
	{DISK "blocks/runs", "[[9223372036854775807,3]]", FALSE},
	{DISK "blocks/runs", "[[0,3,1]]", FALSE},
	{DISK "blocks/runs", "[3]", FALSE},
	{DISK "blocks/runs", "[[0,0],[0,3]]", FALSE},
	{DISK "blocks/digests", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRY=\"", FALSE},
	{DISK "blocks/digests", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFR!!\"", FALSE},
	{DISK "metadata", "null", FALSE},
	{DISK "metadata/digest", "\"0123456789ABCDEF\"", FALSE},
	{DISK "metadata/digest", "\"0123\"", FALSE},
};

static void
test_changes(void)
{
	g_autofree char *text = example();
	for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(json_t) json = json_loads(text, 0, NULL);
		g_autofree char *last = NULL;
		json_t *object = holder(json, changes[i].path, &last);
		if (changes[i].value)
			json_object_set_new(object, last,
					    json_loads(changes[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(object, last);
		gboolean ok = manifest_check(json, &error);
		g_test_message("%s = %s: %s", changes[i].path,
			       changes[i].value ? changes[i].value : "(removed)",
			       ok ? "taken" : error->message);
		g_assert_cmpint(ok, ==, changes[i].ok);
		if (!ok)
			g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
}

static void
test_write_and_load(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_dir_make_tmp("cairn-manifest-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, MANIFEST_NAME, NULL);
	g_autofree char *text = example();
	g_autoptr(json_t) json = json_loads(text, 0, NULL);
	g_assert_true(manifest_write(dir, json, &error));
	cairn_auto(manifest) manifest = manifest_load(dir, TRUE, &error);
	g_assert_no_error(error);
	g_assert_nonnull(manifest);
	/* What is not a manifest is not written. */
	json_object_set_new(json, "version", json_integer(9));
	g_assert_false(manifest_write(dir, json, NULL));
	cairn_auto(manifest) still = manifest_load(dir, TRUE, &error);
	g_assert_no_error(error);
	g_assert_nonnull(still);
	/* A change that JSON does not show. */
	FILE *file = fopen(path, "a");
	fputc('\n', file);
	fclose(file);
	g_assert_null(manifest_load(dir, TRUE, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_IO);
	g_clear_error(&error);
	cairn_auto(manifest) unchecked = manifest_load(dir, FALSE, &error);
	g_assert_no_error(error);
	g_assert_nonnull(unchecked);
	g_autoptr(json_t) described = manifest_describe_file(dir, MANIFEST_NAME, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(strlen(json_string_value(json_object_get(described, "sha256"))), ==, 64);
	g_assert_null(manifest_describe_file(dir, "../x", NULL));
	g_assert_true(cairn_remove_tree(dir, NULL));
}

/* sha256sum(1) agrees with the line. */
static void
test_sum_line(void)
{
	g_autofree char *dir = g_dir_make_tmp("cairn-manifest-XXXXXX", NULL);
	g_autofree char *text = example();
	g_autoptr(json_t) json = json_loads(text, 0, NULL);
	char *argv[] = {(char *)"sha256sum", (char *)"--strict", (char *)"-c", (char *)MANIFEST_SUM,
			NULL};
	int status = -1;
	g_assert_true(manifest_write(dir, json, NULL));
	g_assert_true(g_spawn_sync(dir, argv, NULL,
				   G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
				   NULL, NULL, &status, NULL));
	g_assert_cmpint(status, ==, 0);
	g_assert_true(cairn_remove_tree(dir, NULL));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/manifest/example", test_example);
	g_test_add_func("/manifest/truncated", test_truncated);
	g_test_add_func("/manifest/changes", test_changes);
	g_test_add_func("/manifest/write-and-load", test_write_and_load);
	g_test_add_func("/manifest/sum-line", test_sum_line);
	return g_test_run();
}
