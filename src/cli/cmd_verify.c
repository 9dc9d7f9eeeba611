/* cairn verify. */
#include "image/verify.h"

#include "base/error.h"
#include "cli/format.h"
#include "cli/language.h"
#include "cli/local.h"
#include "cli/themes.h"

#include <glib/gi18n.h>

#define THREADS_MAX 64

static struct {
	gboolean no_qemu_img, no_chain;
	char *threads;
} opt;

static void
on_progress(const struct verify_progress *progress, void *data)
{
	local_work_update(data, progress->path, progress->done, progress->total);
}

static void
print_findings(const struct verify_report *report)
{
	static const char *const headers[] = {N_("WHAT"), N_("FILE"), N_("FINDING"), NULL};
	cairn_auto(table) table = table_new(headers);
	for (guint i = 0; i < report->findings->len; i++) {
		const struct verify_finding *finding = report->findings->pdata[i];
		gboolean bad = finding->severity == VERIFY_ERROR;
		table_add_style(table, bad ? STYLE_BAD : STYLE_WARN,
				bad ? _("error") : _("warning"));
		table_add(table, finding->path);
		table_take(table, cli_translate(finding->what));
	}
	cli_print_table(table, 0);
}

static void
print_sum(const struct cli *cli, const struct verify_report *report)
{
	g_autofree char *bytes = format_size(report->bytes);
	if (cli->quiet)
		return;
	cli_print(_("%llu points, %llu images, %llu files, %s read%s: %u errors, %u warnings"),
		  (unsigned long long)report->points, (unsigned long long)report->images,
		  (unsigned long long)report->files, bytes,
		  report->qemu_img ? ", qemu-img check" : "", report->errors, report->warnings);
}

static gboolean
read_options(struct verify_options *options, GError **error)
{
	guint64 threads = 0;
	g_autoptr(GError) local = NULL;
	if (opt.threads && !parse_count(opt.threads, THREADS_MAX, &threads, &local))
		return cli_usage_error(error, "--threads: %s", local->message);
	options->threads = (guint)threads;
	options->no_qemu_img = opt.no_qemu_img;
	options->no_chain = opt.no_chain;
	return TRUE;
}

static struct verify_report *
verify(struct cli *cli, const char *dir, struct verify_options *options, GError **error)
{
	struct verify_report *report = NULL;
	cairn_auto(local_work) work = local_work_begin(cli, N_("verify"), dir);
	options->cancel = local_work_cancel(work);
	options->progress = on_progress;
	options->progress_data = work;
	return verify_export(dir, options, &report, error) ? report : NULL;
}

static int
run_verify(struct cli *cli, char *const *args, GError **error)
{
	struct verify_options options = {0};
	if (!read_options(&options, error))
		return CLI_USAGE;
	cairn_auto(verify_report) report = verify(cli, args[0], &options, error);
	if (!report)
		return CLI_FAILED;
	if (cli->json) {
		g_autoptr(json_t) json = verify_report_json(report);
		cli_print_json(json);
	} else {
		print_findings(report);
		print_sum(cli, report);
	}
	/* A backup disk that is not mounted must not look like a sound one. */
	if (report->points == 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    _("there is no complete export in \"%s\""), args[0]);
		return CLI_FAILED;
	}
	return report->errors ? CLI_FAILED : CLI_OK;
}

static const GOptionEntry options[] = {
	{"no-chain", 0, 0, G_OPTION_ARG_NONE, &opt.no_chain,
	 N_("Do not read the points again that a point is based on"), NULL},
	{"no-qemu-img", 0, 0, G_OPTION_ARG_NONE, &opt.no_qemu_img,
	 N_("Leave `qemu-img check' out even if it is installed"), NULL},
	{"threads", 0, 0, G_OPTION_ARG_STRING, &opt.threads, N_("Default: one per processor"), "N"},
	G_OPTION_ENTRY_NULL,
};

const struct command verify_commands[] = {
	{"verify", NULL, "DIR", 1, 1, COMMAND_LOCAL,
	 N_("Read exports again and compare their digests"),
	 N_("DIR is an export folder, one group's or one point's folder in it. Finds flipped "
	    "bytes, "
	    "files that are missing or too short, and chains that are broken. Works without the "
	    "daemon; exit status 1 when something is wrong."),
	 options, run_verify},
	{0},
};
