/* cairn restore. */
#include "image/restore.h"

#include "base/error.h"
#include "cli/define.h"
#include "cli/field.h"
#include "cli/format.h"
#include "cli/local.h"
#include "cli/themes.h"
#include "image/export_list.h"

#include <glib/gi18n.h>
#include <string.h>

static struct {
	char *point, *group, *to, **vms, **disks, *format, *suffix, *connect;
	gboolean define, no_verify;
} opt;

static const char *
point_asked(void)
{
	return opt.point ? opt.point : "latest";
}

static void
on_progress(const struct restore_progress *progress, void *data)
{
	g_autofree char *where = g_strdup_printf("%s:%s", progress->vm ? progress->vm : "",
						 progress->target ? progress->target : "");
	local_work_update(data, where, progress->done, progress->total);
}

static gboolean
wanted(const struct manifest_vm *vm)
{
	const char *const *vms = (const char *const *)opt.vms;
	gboolean named = !vms || g_strv_contains(vms, vm->name) || g_strv_contains(vms, vm->id);
	for (guint i = 0; named && opt.disks && opt.disks[i]; i++) {
		gsize len = strlen(vm->name);
		if (strncmp(opt.disks[i], vm->name, len) == 0 && opt.disks[i][len] == ':')
			return TRUE;
	}
	return named && !opt.disks;
}

/* Says that a machine is in the way before gigabytes are written, not after. */
static gboolean
check_free(struct define *define, const char *dir, GError **error)
{
	g_autoptr(GPtrArray) list = export_list(dir, NULL, error);
	const struct export_entry *entry =
		list ? export_list_find(list, opt.group, point_asked(), error) : NULL;
	cairn_auto(manifest) manifest = entry ? manifest_load(entry->path, TRUE, error) : NULL;
	for (guint i = 0; manifest && i < manifest->vms->len; i++) {
		const struct manifest_vm *vm = manifest->vms->pdata[i];
		g_autofree char *name = g_strconcat(vm->name, opt.suffix, NULL);
		if (wanted(vm) &&
		    !define_check_free(define, name, opt.suffix ? NULL : vm->id, error))
			return FALSE;
	}
	return manifest != NULL;
}

static struct restore_result *
restore(struct cli *cli, const char *dir, GError **error)
{
	struct restore_result *result = NULL;
	g_autofree char *to = cli_absolute(opt.to);
	cairn_auto(local_work) work = local_work_begin(cli, N_("restore"), point_asked());
	struct restore_options options = {
		.dir = dir,
		.group = opt.group,
		.point = point_asked(),
		.to = to,
		.vms = opt.vms,
		.disks = opt.disks,
		.format = g_strcmp0(opt.format, "raw") == 0 ? MANIFEST_RAW : MANIFEST_QCOW2,
		.no_verify = opt.no_verify,
		.name_suffix = opt.suffix,
		.cancel = local_work_cancel(work),
		.progress = on_progress,
		.progress_data = work,
	};
	return restore_export(&options, &result, error) ? result : NULL;
}

/* The paths of all files, borrowed; NULL-terminated. */
static char **
paths_of(const struct restore_result *result)
{
	char **paths = g_new0(char *, result->files->len + 1);
	for (guint i = 0; i < result->files->len; i++)
		paths[i] = ((struct restored_file *)result->files->pdata[i])->path;
	return paths;
}

/* The files stay when defining fails: they are whole, and the message says what to do. */
static gboolean
define_all(struct cli *cli, struct define *define, const struct restore_result *result,
	   GError **error)
{
	g_autofree char **paths = paths_of(result);
	for (guint i = 0; i < result->files->len; i++) {
		const struct restored_file *file = result->files->pdata[i];
		if (file->kind != RESTORED_CONFIG)
			continue;
		g_autofree char *name = g_strconcat(file->vm_name, opt.suffix, NULL);
		if (!define_check_free(define, name, NULL, error) ||
		    !define_file(define, file->path, paths, error)) {
			g_prefix_error(error, _("the files are restored, but defining \"%s\": "),
				       name);
			return FALSE;
		}
		cli_note(cli, _("defined \"%s\""), name);
	}
	return TRUE;
}

/* libvirt keeps TPM state where no configuration can name it, and makes an empty one at the first
 * start of a machine that has none. */
static void
warn_of_tpm(const struct restore_result *result)
{
	const char *last = NULL;
	for (guint i = 0; i < result->files->len; i++) {
		const struct restored_file *file = result->files->pdata[i];
		const char *tpm = strstr(file->path, "/guest-state/tpm/");
		if (file->kind != RESTORED_GUEST_STATE || !tpm ||
		    g_strcmp0(last, file->vm_name) == 0)
			continue;
		last = file->vm_name;
		cli_warn(_("put the TPM state of \"%s%s\" in place before its first start, see "
			   "cairn(1): %.*s"),
			 file->vm_name, opt.suffix ? opt.suffix : "",
			 (int)(tpm - file->path) + (int)strlen("/guest-state/tpm"), file->path);
	}
}

static void
print_result(const struct cli *cli, const struct restore_result *result)
{
	static const char *const headers[] = {N_("MACHINE"), N_("DISK"), N_(">SIZE"), N_("FILE"),
					      NULL};
	cairn_auto(table) table = table_new(headers);
	for (guint i = 0; i < result->files->len; i++) {
		const struct restored_file *file = result->files->pdata[i];
		if (cli->quiet && file->kind == RESTORED_DISK)
			cli_print("%s", file->path);
		if (file->kind == RESTORED_ORIGINAL_CONFIG)
			continue;
		table_add(table, file->vm_name);
		table_add(table, file->kind == RESTORED_DISK	 ? file->target
				 : file->kind == RESTORED_CONFIG ? _("(config)")
								 : _("(state)"));
		table_take(table, format_size(file->size));
		table_add(table, file->path);
	}
	if (cli->quiet)
		return;
	cli_print_table(table, 0);
	cli_note(cli, _("restored %s@%llu"),
		 result->group_name ? result->group_name : result->group_id,
		 (unsigned long long)result->point_number);
}

static int
run_restore(struct cli *cli, char *const *args, GError **error)
{
	cairn_auto(define) define = NULL;
	if (!opt.to || !*opt.to) {
		cli_usage_error(error, _("needs --to OUT"));
		return CLI_USAGE;
	}
	if (opt.define && !(define = define_open(opt.connect, error)))
		return CLI_FAILED;
	if (define && !check_free(define, args[0], error))
		return CLI_FAILED;
	cairn_auto(restore_result) result = restore(cli, args[0], error);
	if (!result || (define && !define_all(cli, define, result, error)))
		return CLI_FAILED;
	if (define)
		warn_of_tpm(result);
	if (cli->json) {
		g_autoptr(json_t) json = restore_result_json(result);
		cli_print_json(json);
	} else {
		print_result(cli, result);
	}
	return CLI_OK;
}

static const GOptionEntry options[] = {
	{"point", 'p', 0, G_OPTION_ARG_STRING, &opt.point,
	 N_("GUID, number, GROUP@NUMBER or latest (default)"), "POINT"},
	{"group", 'g', 0, G_OPTION_ARG_STRING, &opt.group,
	 N_("Name or GUID of the group, when DIR holds several"), "GROUP"},
	{"to", 't', 0, G_OPTION_ARG_FILENAME, &opt.to, N_("Folder to write to; made when absent"),
	 "OUT"},
	{"vm", 'm', 0, G_OPTION_ARG_STRING_ARRAY, &opt.vms,
	 N_("Only this machine; may be given again"), "NAME"},
	{"disk", 'd', 0, G_OPTION_ARG_STRING_ARRAY, &opt.disks,
	 N_("Only this disk; may be given again"), "VM:TARGET"},
	{"format", 0, 0, G_OPTION_ARG_STRING, &opt.format, N_("Images to write; default qcow2"),
	 "qcow2|raw"},
	{"no-verify", 0, 0, G_OPTION_ARG_NONE, &opt.no_verify,
	 N_("Do not compare digests while reading"), NULL},
	{"suffix", 0, 0, G_OPTION_ARG_STRING, &opt.suffix,
	 N_("Append this to the machines' names and give them new UUIDs"), "TEXT"},
	{"define", 0, 0, G_OPTION_ARG_NONE, &opt.define, N_("Define the machines in libvirt"),
	 NULL},
	{"connect", 0, 0, G_OPTION_ARG_STRING, &opt.connect,
	 N_("Where to define them; default: libvirt's default"), "URI"},
	G_OPTION_ENTRY_NULL,
};

const struct command restore_commands[] = {
	{"restore", NULL, "DIR", 1, 1, COMMAND_LOCAL,
	 N_("Make whole disks out of an exported point"),
	 N_("Works from the files alone, without the daemon. Nothing that exists is replaced; each "
	    "disk goes to OUT/VM/TARGET.qcow2 or .raw, its machine's configuration to "
	    "OUT/VM/config.xml."),
	 options, run_restore},
	{0},
};
