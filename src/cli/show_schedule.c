/* See show_schedule.h. */
#include "cli/show_schedule.h"

#include "cli/cli.h"
#include "cli/field.h"
#include "cli/format.h"
#include "cli/language.h"

#include <glib/gi18n.h>
#include <string.h>

enum {
	STATE_NEW = 2,
	STATE_RUNNING = 4,
	STATE_SUSPENDED = 5,
	STATE_COMPLETED = 7,
	STATE_EXCEPTION = 10
}; /* CIM_ConcreteJob.JobState */

static enum style
style_of(guint64 state)
{
	switch (state) {
	case STATE_COMPLETED:
		return STYLE_GOOD;
	case STATE_SUSPENDED:
		return STYLE_WARN;
	case STATE_EXCEPTION:
		return STYLE_BAD;
	default:
		return STYLE_PLAIN;
	}
}

static const char *
state_word(const json_t *schedule)
{
	return field_uint(schedule, "state") == STATE_NEW ? _("waiting")
							  : field_word(schedule, "state-name");
}

/* What the time before said already is left out: "2026-11-30 02:00, 12-01 02:00", "10:00, 11:00".
 */
static void
append_time(GString *out, const char *text, const char *before)
{
	enum { YEAR = 5, DATE = 11, MINUTES = 16 }; /* YYYY-MM-DD HH:MM:SS */
	gsize skip = 0;
	if (before && strncmp(text, before, DATE) == 0)
		skip = DATE;
	else if (before && strncmp(text, before, YEAR) == 0)
		skip = YEAR;
	gboolean whole = g_str_has_suffix(text, ":00");
	g_string_append_printf(out, "%s%.*s", before ? ", " : "",
			       (int)((whole ? MINUTES : strlen(text)) - skip), text + skip);
}

static char *
upcoming_text(const json_t *schedule)
{
	GString *out = g_string_new(NULL);
	g_autofree char *before = NULL;
	size_t i;
	json_t *time;
	json_array_foreach (field_array(schedule, "upcoming"), i, time) {
		char *text = format_time(json_string_value(time));
		append_time(out, text, before);
		g_free(before);
		before = text;
	}
	return g_string_free(out, out->len == 0);
}

static void
add_row(struct table *table, const json_t *schedule)
{
	table_add(table, field_text(schedule, "name"));
	table_add(table, field_text(schedule, "group-name"));
	table_add_style(table, style_of(field_uint(schedule, "state")), state_word(schedule));
	table_add_style(table, style_of(field_uint(schedule, "last-state")),
			field_word(schedule, "last-state-name"));
	table_take(table, field_any(schedule, "runs"));
	table_add(table, field_text(schedule, "calendar-text"));
	table_take(table, upcoming_text(schedule));
}

void
show_schedules(const json_t *list)
{
	static const char *const headers[] = {N_("NAME"),  N_("GROUP"), N_("STATE"), N_("LAST"),
					      N_(">RUNS"), N_("WHEN"),	N_("NEXT"),  NULL};
	cairn_auto(table) table = table_new(headers);
	size_t i;
	json_t *schedule;
	json_array_foreach ((json_t *)list, i, schedule)
		add_row(table, schedule);
	cli_print_table(table, 0);
}

/* ---- one ---- */

/* "3", "3 of 10"; of another host, which does not say how many there were, "at most 10". */
static char *
runs_text(const json_t *schedule)
{
	guint64 runs = field_uint(schedule, "runs"), times = field_uint(schedule, "run-times");
	if (json_is_null(json_object_get(schedule, "runs")))
		return times ? g_strdup_printf(_("at most %llu"), (unsigned long long)times) : NULL;
	return times ? g_strdup_printf(_("%llu of %llu"), (unsigned long long)runs,
				       (unsigned long long)times)
		     : g_strdup_printf("%llu", (unsigned long long)runs);
}

static char *
last_text(const json_t *schedule)
{
	const char *state = field_word(schedule, "last-state-name");
	g_autofree char *ended = field_time(schedule, "last-ended");
	return state && ended ? g_strdup_printf("%s, %s", state, ended) : g_strdup(state);
}

/* "10 last, 7 daily"; NULL: it is not known. */
static char *
keep_text(const json_t *schedule)
{
	static const char *const kinds[] = {N_("last"), N_("daily"), N_("weekly"), N_("monthly")};
	const json_t *retention = field_object(schedule, "retention");
	g_autoptr(GString) out = g_string_new(NULL);
	if (!retention)
		return NULL;
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		guint64 count = field_uint(retention, kinds[i]);
		if (count)
			g_string_append_printf(out, "%s%llu %s", out->len ? ", " : "",
					       (unsigned long long)count, _(kinds[i]));
	}
	return out->len ? g_strdup(out->str) : g_strdup(_("all"));
}

static char *
failure_text(const json_t *schedule)
{
	const json_t *recovery = field_object(schedule, "recovery");
	const char *action = field_text(schedule, "recovery-name");
	const char *other = field_text(schedule, "recovery-schedule");
	other = other ? other : field_text(recovery, "other");
	if (g_strcmp0(action, "retry") == 0 && field_uint(recovery, "retries")) {
		g_autofree char *delay = format_span((gint64)field_uint(recovery, "delay-us"));
		return g_strdup_printf(_("%s, at most %llu times, first after %s"), action,
				       (unsigned long long)field_uint(recovery, "retries"), delay);
	}
	return other ? g_strdup_printf("%s %s", action, other) : g_strdup(action);
}

static char *
rate_text(const json_t *schedule)
{
	return format_rate((double)field_uint(schedule, "rate-limit"));
}

static void
add_run(struct table *sheet, const json_t *schedule)
{
	static const char *const plain[] = {N_("consistency"), N_("format"), N_("compress"),
					    N_("digest"), N_("priority")};
	if (json_is_boolean(json_object_get(schedule, "full")))
		table_pair(sheet, N_("kind"),
			   field_bool(schedule, "full") ? _("full") : _("incremental"));
	for (guint i = 0; i < G_N_ELEMENTS(plain); i++)
		table_pair_take(sheet, plain[i], field_any(schedule, plain[i]));
	table_pair_take(sheet, N_("rate"), rate_text(schedule));
	table_pair_take(sheet, N_("keep"), keep_text(schedule));
	table_pair_take(sheet, N_("keep job"),
			format_span((gint64)field_uint(schedule, "keep-us")));
	table_pair_take(sheet, N_("on failure"), failure_text(schedule));
	table_pair(sheet, N_("notify"), field_text(schedule, "notify"));
}

void
show_schedule(const json_t *schedule)
{
	cairn_auto(table) sheet = table_new_sheet();
	guint64 job = field_uint(schedule, "job-number");
	g_autofree char *error = field_any(schedule, "error"), *note = field_any(schedule, "note");
	table_pair(sheet, N_("schedule"), field_text(schedule, "name"));
	table_pair(sheet, N_("id"), field_text(schedule, "id"));
	table_pair(sheet, N_("group"), field_text(schedule, "group-name"));
	table_pair(sheet, N_("directory"), field_text(schedule, "directory"));
	table_pair(sheet, N_("when"), field_text(schedule, "calendar-text"));
	table_pair_take(sheet, N_("start"), field_time(schedule, "start"));
	table_pair_take(sheet, N_("until"), field_time(schedule, "until"));
	table_pair(sheet, N_("state"), state_word(schedule));
	table_pair_take(sheet, N_("next"), upcoming_text(schedule));
	table_pair_take(sheet, N_("runs"), runs_text(schedule));
	if (job)
		table_pair_take(sheet, N_("job"), g_strdup_printf("%llu", (unsigned long long)job));
	table_pair_take(sheet, N_("last run"), last_text(schedule));
	table_pair_take(sheet, N_("note"), cli_translate(note));
	table_pair_take(sheet, N_("error"), cli_translate(error));
	add_run(sheet, schedule);
	table_pair(sheet, N_("owner"), field_text(schedule, "owner"));
	table_pair_take(sheet, N_("created"), field_time(schedule, "created"));
	cli_print_table(sheet, 0);
}
