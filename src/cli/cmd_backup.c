/* cairn export, cairn backup. */
#include "cli/field.h"
#include "cli/recovery.h"
#include "cli/image_options.h"
#include "cli/keep.h"
#include "cli/summary.h"
#include "cli/themes.h"
#include "cli/wait.h"

#include <glib/gi18n.h>

static struct {
	char *base, **disks, *format, *compress, *digest, *rate, *priority, *consistency;
	gboolean keep_held, full, no_wait;
	struct recovery_options recovery;
	struct keep_options keep;
} opt;

/* The options that both have. */
static gboolean
set_common(json_t *arguments, const char *directory, GError **error)
{
	g_autofree char *absolute = cli_absolute(directory);
	cairn_json_set_string(arguments, "directory", absolute);
	cli_set_text(arguments, "format", opt.format);
	cli_set_text(arguments, "compress", opt.compress);
	cli_set_text(arguments, "digest", opt.digest);
	return cli_set_size(arguments, "rate", opt.rate, error) &&
	       cli_set_priority(arguments, opt.priority, error) &&
	       recovery_options_set(arguments, &opt.recovery, error);
}

/* NULL when @id is NULL or the point is gone by now. */
static json_t *
find_point(struct cli *cli, const char *id)
{
	return id ? cli_call(cli, "point-show", json_pack("{s:s}", "point", id), NULL) : NULL;
}

/* As JSON {"job": job, "point": point|null}. */
static int
print_result(struct cli *cli, const json_t *job, gboolean with_point)
{
	g_autoptr(json_t) point = find_point(cli, field_text(job, "point"));
	if (cli->json) {
		g_autoptr(json_t) result = json_object();
		json_object_set(result, "job", (json_t *)job);
		cairn_json_set(result, "point", point ? json_incref(point) : json_null());
		cli_print_json(result);
		return CLI_OK;
	}
	g_autoptr(json_t) base = find_point(cli, field_text(job, "base"));
	if (point && with_point && !cli->quiet)
		summary_point(cli, point);
	summary_export(cli, job, field_text(base, "name"));
	return CLI_OK;
}

static int
finish(struct cli *cli, const json_t *answer, gboolean with_point, GError **error)
{
	g_autoptr(json_t) jobs = NULL;
	if (opt.no_wait)
		return wait_not(cli, answer);
	int status = wait_for(cli, answer, &jobs, error);
	if (status != CLI_OK)
		return status;
	/* The export is the last one. */
	return print_result(cli, json_array_get(jobs, json_array_size(jobs) - 1), with_point);
}

static int
run_export(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) arguments = json_pack("{s:s}", "point", args[0]);
	if (!set_common(arguments, args[1], error))
		return CLI_USAGE;
	cli_set_text(arguments, "base", opt.base);
	if (opt.disks)
		cairn_json_set_strv(arguments, "disks", opt.disks);
	if (opt.keep_held)
		cairn_json_set_bool(arguments, "keep-held", TRUE);
	g_autoptr(json_t) answer = cli_call(cli, "export", json_incref(arguments), error);
	return answer ? finish(cli, answer, FALSE, error) : CLI_FAILED;
}

static int
run_backup(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) arguments = json_pack("{s:s}", "group", args[0]);
	if (!set_common(arguments, args[1], error) || !keep_set(arguments, &opt.keep, error))
		return CLI_USAGE;
	cli_set_text(arguments, "consistency", opt.consistency);
	if (opt.full)
		cairn_json_set_bool(arguments, "full", TRUE);
	g_autoptr(json_t) answer = cli_call(cli, "backup", json_incref(arguments), error);
	return answer ? finish(cli, answer, TRUE, error) : CLI_FAILED;
}

/* clang-format off */
#define COMMON_OPTIONS \
	IMAGE_OPTIONS(opt), \
	JOB_RECOVERY_OPTIONS(opt.recovery), \
	{"no-wait", 0, 0, G_OPTION_ARG_NONE, &opt.no_wait, \
	 N_("Print the job's number and return"), NULL}
/* clang-format on */

static const GOptionEntry export_options[] = {
	{"base", 'b', 0, G_OPTION_ARG_STRING, &opt.base,
	 N_("Only what changed since this point, which was exported to DIR before; auto: the "
	    "newest "
	    "there, else in full"),
	 "POINT|auto"},
	{"disk", 'd', 0, G_OPTION_ARG_STRING_ARRAY, &opt.disks,
	 N_("Only this machine or disk; may be given again"), "VM[:TARGET]"},
	COMMON_OPTIONS,
	{"keep-held", 0, 0, G_OPTION_ARG_NONE, &opt.keep_held,
	 N_("Hold the point's data on after the export"), NULL},
	G_OPTION_ENTRY_NULL,
};

static const GOptionEntry backup_options[] = {
	{"consistency", 'c', 0, G_OPTION_ARG_STRING, &opt.consistency,
	 N_("As for `cairn point create'"), "application|best|crash"},
	{"full", 0, 0, G_OPTION_ARG_NONE, &opt.full, N_("Export in full even if a base is there"),
	 NULL},
	COMMON_OPTIONS,
	KEEP_OPTIONS(opt.keep, KEEP_OR_ALL),
	G_OPTION_ENTRY_NULL,
};

const struct command backup_commands[] = {
	{"export", NULL, "POINT DIR", 2, 2, 0, N_("Export a held point into a folder"),
	 N_("Without --base every disk is exported in full. The files lie in DIR/GROUP/POINT "
	    "(GUIDs) "
	    "when the job is done; nothing incomplete is ever there."),
	 export_options, run_export},
	{"backup", NULL, "GROUP DIR", 2, 2, 0, N_("Take a point and export it"),
	 N_("The everyday command: against the newest point that is in DIR already, in full if "
	    "there "
	    "is none."),
	 backup_options, run_backup},
	{0},
};
