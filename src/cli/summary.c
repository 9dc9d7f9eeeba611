/* Summaries of points and exports. */
#include "cli/summary.h"

#include "cli/field.h"
#include "cli/format.h"
#include "cli/language.h"

#include <glib/gi18n.h>
#include <string.h>

char *
summary_consistency(const json_t *point)
{
	const char *reached = field_text(point, "consistency");
	const char *asked = field_text(point, "requested");
	g_autoptr(GString) out = g_string_new(reached ? reached : _("unknown"));
	size_t i;
	json_t *member;
	if (!asked || !reached || strcmp(asked, reached) == 0 ||
	    strcmp(reached, "application") == 0)
		return g_strdup(out->str);
	g_string_append_printf(out, _(" (asked: %s"), asked);
	json_array_foreach (field_array(point, "members"), i, member) {
		const char *name = field_text(member, "name"), *why = field_text(member, "reason");
		g_autofree char *translated = cli_translate(why);
		if (translated)
			g_string_append_printf(out, "; %s: %s", name ? name : "?", translated);
	}
	g_string_append_c(out, ')');
	return g_strdup(out->str);
}

char *
summary_pause(const json_t *point)
{
	guint64 pause = field_uint(point, "pause-us"), skew = field_uint(point, "skew-us");
	guint64 freeze = field_uint(point, "freeze-us");
	json_t *barrier = json_object_get(point, "barrier");
	if (pause == 0)
		return NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *text = format_span(pause);
	g_string_append(out, text);
	if (json_is_false(barrier))
		g_string_append(out, _(", not together"));
	if (skew > 0) {
		g_autofree char *spread = format_span(skew);
		g_string_append_printf(out, _(", skew %s"), spread);
	}
	if (freeze > 0) {
		g_autofree char *frozen = format_span(freeze);
		g_string_append_printf(out, _(", frozen for %s"), frozen);
	}
	return g_strdup(out->str);
}

static char *
hold_text(const json_t *point)
{
	g_autofree char *why = cli_translate(field_text(point, "release-reason"));
	g_autofree char *until = field_time(point, "hold-until");
	if (json_is_null(json_object_get(point, "held")))
		return NULL;
	if (!field_bool(point, "held"))
		return why ? g_strdup_printf(_("no longer (%s)"), why) : g_strdup(_("no"));
	return until ? g_strdup_printf(_("until %s"), until) : g_strdup(_("yes"));
}

void
summary_point(const struct cli *cli, const json_t *point)
{
	const char *name = field_text(point, "name");
	if (cli->quiet) {
		cli_print("%s", name ? name : field_text(point, "id"));
		return;
	}
	cairn_auto(table) sheet = table_new_sheet();
	table_pair(sheet, N_("point"), name);
	table_pair(sheet, N_("id"), field_text(point, "id"));
	table_pair_take(sheet, N_("created"), field_time(point, "created"));
	table_pair_take(sheet, N_("consistency"), summary_consistency(point));
	table_pair_take(sheet, N_("pause"), summary_pause(point));
	table_pair_take(sheet, N_("data held"), hold_text(point));
	cli_print_table(sheet, 0);
}

char *
summary_folder(const json_t *job)
{
	const char *directory = field_text(job, "directory");
	const char *group = field_text(job, "group"), *point = field_text(job, "point");
	if (!directory || !group || !point)
		return g_strdup(directory);
	return g_build_filename(directory, group, point, NULL);
}

static void
print_disks(const json_t *job)
{
	static const char *const headers[] = {N_("DISK"), N_("KIND"), N_(">MOVED"), N_("NOTE"),
					      NULL};
	cairn_auto(table) table = table_new(headers);
	size_t i;
	json_t *disk;
	json_array_foreach (field_array(job, "disks"), i, disk) {
		const char *vm = field_text(disk, "vm-name"), *target = field_text(disk, "target");
		table_take(table, g_strdup_printf("%s:%s", vm ? vm : "?", target ? target : "?"));
		table_add(table, field_word(disk, "kind"));
		table_take(table, json_is_integer(json_object_get(disk, "done-bytes"))
					  ? format_size(field_uint(disk, "done-bytes"))
					  : NULL);
		table_take(table, cli_translate(field_text(disk, "reason")));
	}
	cli_print_table(table, 2);
}

static char *
job_span(const json_t *job)
{
	g_autoptr(GDateTime) from = NULL, to = NULL;
	const char *started = field_text(job, "started"), *ended = field_text(job, "ended");
	from = started ? g_date_time_new_from_iso8601(started, NULL) : NULL;
	to = ended ? g_date_time_new_from_iso8601(ended, NULL) : NULL;
	return from && to ? format_span(g_date_time_difference(to, from)) : NULL;
}

void
summary_export(const struct cli *cli, const json_t *job, const char *base_name)
{
	g_autofree char *folder = summary_folder(job);
	if (cli->quiet) {
		cli_print("%s", folder ? folder : "");
		return;
	}
	if (!base_name)
		base_name = field_text(job, "base");
	g_autofree char *moved = format_size(field_uint(job, "done-bytes"));
	g_autofree char *span = job_span(job);
	cairn_auto(table) sheet = table_new_sheet();
	table_pair(sheet, N_("exported"), field_text(job, "point-name"));
	table_pair(sheet, N_("against"), base_name ? base_name : _("nothing: in full"));
	if (json_is_null(json_object_get(job, "done-bytes")))
		table_pair(sheet, N_("took"), span);
	else
		table_pair_take(sheet, N_("moved"),
				span ? g_strdup_printf(_("%s in %s"), moved, span)
				     : g_strdup(moved));
	table_pair(sheet, N_("files in"), folder);
	cli_print_table(sheet, 0);
	print_disks(job);
}
