/* cairn schedule: making, changing and controlling. What they look like is in show_schedule.c. */
#include "base/error.h"
#include "base/timefmt.h"
#include "cli/days.h"
#include "cli/field.h"
#include "cli/image_options.h"
#include "cli/keep.h"
#include "cli/language.h"
#include "cli/recovery.h"
#include "cli/show_schedule.h"
#include "cli/themes.h"
#include "cli/when.h"

#include <glib/gi18n.h>

#define TIMES_MAX G_MAXUINT32

static struct {
	char *name, *directory, *at, *every, *weekdays, *months, *day, *day_of_week, *start, *until,
		*times;
	char *consistency, *format, *compress, *digest, *rate, *priority, *keep_job;
	char *group;
	struct keep_options keep;
	struct recovery_options recovery;
	gboolean utc, local, full, incremental;
} opt;

/* ---- what is asked ---- */

static gboolean
wrong(GError **error, const char *option, const GError *cause)
{
	return cli_usage_error(error, _("--%s: %s"), option, cause->message);
}

static gboolean
set_words(json_t *arguments, const char *key, const char *text,
	  char **(*parse)(const char *text, GError **error), GError **error)
{
	g_autoptr(GError) local = NULL;
	if (!text)
		return TRUE;
	g_auto(GStrv) words = parse(text, &local);
	if (!words)
		return wrong(error, key, local);
	cairn_json_set_strv(arguments, key, words);
	return TRUE;
}

static gboolean
set_day(json_t *arguments, const char *key, const char *text,
	gboolean (*parse)(const char *text, gint64 *ret_day, GError **error), GError **error)
{
	g_autoptr(GError) local = NULL;
	gint64 day;
	if (!text)
		return TRUE;
	if (!parse(text, &day, &local))
		return wrong(error, key, local);
	cairn_json_set(arguments, key, json_integer(day));
	return TRUE;
}

/* "" is told as it is: no such time any more. "+2h" is "2h". */
static gboolean
set_time(json_t *arguments, const char *key, const char *text, GError **error)
{
	g_autoptr(GError) local = NULL;
	gint64 time = 0;
	if (!text)
		return TRUE;
	if (*text && !parse_when(text + (*text == '+'), g_get_real_time(), TRUE, &time, &local))
		return wrong(error, key, local);
	g_autofree char *iso = *text ? cairn_time_iso(time) : g_strdup("");
	cairn_json_set_string(arguments, key, iso);
	return TRUE;
}

static gboolean
set_calendar(json_t *arguments, GError **error)
{
	cli_set_text(arguments, "at", opt.at);
	if (opt.utc || opt.local)
		cairn_json_set_bool(arguments, "utc", opt.utc);
	return cli_set_span(arguments, "every", opt.every, error) &&
	       set_words(arguments, "weekdays", opt.weekdays, days_weekdays, error) &&
	       set_words(arguments, "months", opt.months, days_months, error) &&
	       set_day(arguments, "day", opt.day, days_of_month, error) &&
	       set_day(arguments, "day-of-week", opt.day_of_week, days_of_week, error) &&
	       set_time(arguments, "start", opt.start, error) &&
	       set_time(arguments, "until", opt.until, error) &&
	       cli_set_count(arguments, "times", opt.times, TIMES_MAX, error);
}

static gboolean
set_run(json_t *arguments, GError **error)
{
	const struct {
		const char *key, *text;
	} texts[] = {{"name", opt.name},
		     {"consistency", opt.consistency},
		     {"format", opt.format},
		     {"compress", opt.compress},
		     {"digest", opt.digest}};
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		cli_set_text(arguments, texts[i].key, texts[i].text);
	if (opt.full || opt.incremental)
		cairn_json_set_bool(arguments, "full", opt.full);
	return keep_set(arguments, &opt.keep, error) &&
	       cli_set_size(arguments, "rate", opt.rate, error) &&
	       cli_set_priority(arguments, opt.priority, error) &&
	       cli_set_span(arguments, "keep-job", opt.keep_job, error) &&
	       recovery_options_set(arguments, &opt.recovery, error);
}

static gboolean
says_when(void)
{
	return opt.at || opt.every || opt.weekdays || opt.months || opt.day || opt.day_of_week ||
	       opt.start;
}

/* ---- commands ---- */

/* "mon-fri at 02:00, next 2026-11-30 02:00", or why none is to come: "suspended". */
static void
note_change(struct cli *cli, const json_t *schedule, const char *done)
{
	const char *when = field_text(schedule, "calendar-text");
	g_autofree char *next = field_time(schedule, "next");
	g_autofree char *status = cli_translate(field_text(schedule, "status"));
	if (next && json_array_size(field_array(schedule, "upcoming")) > 0)
		cli_note(cli, _("%s: %s, next %s"), done, when ? when : "?", next);
	else
		cli_note(cli, "%s: %s", done, status ? status : "?");
}

/* A request that gives the schedule back: as JSON, or a line of talk with its next run. */
static int
change(struct cli *cli, const char *request, json_t *arguments, gboolean is_new, GError **error)
{
	g_autoptr(json_t) schedule = cli_call(cli, request, arguments, error);
	if (!schedule)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(schedule);
		return CLI_OK;
	}
	const char *name = field_text(schedule, "name");
	g_autofree char *done =
		g_strdup_printf(is_new ? _("made schedule \"%s\"") : _("changed schedule \"%s\""),
				name ? name : "?");
	note_change(cli, schedule, done);
	return CLI_OK;
}

static int
schedule_create(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) arguments = json_pack("{s:s}", "group", args[0]);
	g_autofree char *directory = cli_absolute(args[1]);
	if (!says_when()) {
		cli_usage_error(error, _("when? give --at, --every, --weekdays, --months, --day, "
					 "--day-of-week or --start"));
		return CLI_USAGE;
	}
	cairn_json_set_string(arguments, "directory", directory);
	if (!set_calendar(arguments, error) || !set_run(arguments, error))
		return CLI_USAGE;
	return change(cli, "schedule-create", json_incref(arguments), TRUE, error);
}

static int
schedule_set(struct cli *cli, char *const *args, GError **error)
{
	if (opt.directory && !*opt.directory) {
		cli_usage_error(error, _("--%s: it is empty"), "directory");
		return CLI_USAGE;
	}
	g_autoptr(json_t) arguments = json_pack("{s:s}", "schedule", args[0]);
	g_autofree char *directory = opt.directory ? cli_absolute(opt.directory) : NULL;
	cli_set_text(arguments, "directory", directory);
	if (!set_calendar(arguments, error) || !set_run(arguments, error))
		return CLI_USAGE;
	if (json_object_size(arguments) == 1) {
		cli_usage_error(error, _("nothing to set"));
		return CLI_USAGE;
	}
	return change(cli, "schedule-set", json_incref(arguments), FALSE, error);
}

static int
schedule_list(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) arguments = json_object();
	cli_set_text(arguments, "group", opt.group);
	g_autoptr(json_t) list = cli_call(cli, "schedule-list", json_incref(arguments), error);
	if (!list)
		return CLI_FAILED;
	if (cli->json)
		cli_print_json(list);
	else
		show_schedules(list);
	if (!cli->json && json_array_size(list) == 0)
		cli_note(cli, _("no schedules; `cairn schedule create GROUP DIR --at 02:00' makes "
				"one"));
	return CLI_OK;
}

static int
schedule_show(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) schedule =
		cli_call(cli, "schedule-show", json_pack("{s:s}", "schedule", args[0]), error);
	if (!schedule)
		return CLI_FAILED;
	if (cli->json)
		cli_print_json(schedule);
	else
		show_schedule(schedule);
	return CLI_OK;
}

static json_t *
control_arguments(const char *schedule, const char *action)
{
	return json_pack("{s:s, s:s}", "schedule", schedule, "action", action);
}

/* The number of the run's job, or of another host its GUID; NULL: it did not begin. */
static char *
run_job(const json_t *schedule)
{
	guint64 number = field_uint(schedule, "job-number");
	if (json_is_null(json_object_get(schedule, "job-number")))
		return g_strdup(field_text(schedule, "job"));
	return number ? g_strdup_printf("%llu", (unsigned long long)number) : NULL;
}

static int
schedule_run(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) schedule =
		cli_call(cli, "schedule-control", control_arguments(args[0], "run"), error);
	if (!schedule)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(schedule);
		return CLI_OK;
	}
	g_autofree char *job = run_job(schedule);
	if (!job) {
		g_autofree char *why = cli_translate(field_text(schedule, "error"));
		cairn_fail(error, CAIRN_ERROR_STATE, _("the run did not begin: %s"),
			   why ? why : _("unknown"));
		return CLI_FAILED;
	}
	cli_print("%s", job);
	cli_note(cli, _("job %s was accepted; `cairn job watch %s' shows it"), job, job);
	return CLI_OK;
}

/* suspend, resume, terminate: the verb of the command is the word of the request. */
static int
schedule_control(struct cli *cli, char *const *args, GError **error)
{
	return change(cli, "schedule-control", control_arguments(args[0], cli->command->verb),
		      FALSE, error);
}

static int
schedule_delete(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) answer =
		cli_call(cli, "schedule-delete", json_pack("{s:s}", "schedule", args[0]), error);
	if (!answer)
		return CLI_FAILED;
	if (cli->json)
		cli_print_json(answer);
	else
		cli_note(cli, _("deleted schedule \"%s\""), args[0]);
	return CLI_OK;
}

/* clang-format off */
#define CALENDAR_OPTIONS \
	{"at", 0, 0, G_OPTION_ARG_STRING, &opt.at, \
	 N_("Time of the day; default 00:00"), "HH:MM"}, \
	{"every", 0, 0, G_OPTION_ARG_STRING, &opt.every, \
	 N_("Again after this long until midnight, e.g. 6h; 0: once a day"), "TIME"}, \
	{"weekdays", 0, 0, G_OPTION_ARG_STRING, &opt.weekdays, \
	 N_("Only these, e.g. mon-fri,sun; all"), "DAYS"}, \
	{"months", 0, 0, G_OPTION_ARG_STRING, &opt.months, \
	 N_("Only these, e.g. jan,jul-sep; all"), "MONTHS"}, \
	{"day", 0, 0, G_OPTION_ARG_STRING, &opt.day, \
	 N_("Only this day of the month; -1 is the last one; any"), "N"}, \
	{"day-of-week", 0, 0, G_OPTION_ARG_STRING, &opt.day_of_week, \
	 N_("With --day: the first such day on or after it, with '-' the last on or before it, " \
	    "e.g. -fri; any"), "[-]DAY"}, \
	{"utc", 0, 0, G_OPTION_ARG_NONE, &opt.utc, \
	 N_("The time of the day is UTC, not local"), NULL}, \
	{"start", 0, 0, G_OPTION_ARG_STRING, &opt.start, \
	 N_("Not before, e.g. '2026-12-01 02:00', tomorrow, +2h; alone: once, then"), "TIME"}, \
	{"until", 0, 0, G_OPTION_ARG_STRING, &opt.until, N_("Not after"), "TIME"}, \
	{"times", 0, 0, G_OPTION_ARG_STRING, &opt.times, \
	 N_("At most so many runs; 0: no limit"), "N"}

#define RUN_OPTIONS \
	{"name", 0, 0, G_OPTION_ARG_STRING, &opt.name, \
	 N_("What it is called; default: as the group"), "NAME"}, \
	{"consistency", 'c', 0, G_OPTION_ARG_STRING, &opt.consistency, \
	 N_("As for `cairn point create'"), "application|best|crash"}, \
	{"full", 0, 0, G_OPTION_ARG_NONE, &opt.full, \
	 N_("Export in full each time"), NULL}, \
	IMAGE_OPTIONS(opt), \
	KEEP_OPTIONS(opt.keep, KEEP_OR_ALL), \
	{"keep-job", 0, 0, G_OPTION_ARG_STRING, &opt.keep_job, \
	 N_("How long to keep a run's job after its end, e.g. 7d"), "TIME"}, \
	RECOVERY_OPTIONS(opt.recovery, N_("What to do when a run fails; default continue"), \
			 "stop|continue|retry|run-job|command", \
			 N_("Tell this mail address, URL or journal:TAG of each end"))
/* clang-format on */

static const GOptionEntry create_options[] = {CALENDAR_OPTIONS, RUN_OPTIONS, G_OPTION_ENTRY_NULL};

static const GOptionEntry set_options[] = {
	CALENDAR_OPTIONS,
	{"local", 0, 0, G_OPTION_ARG_NONE, &opt.local, N_("The time of the day is local, not UTC"),
	 NULL},
	RUN_OPTIONS,
	{"incremental", 0, 0, G_OPTION_ARG_NONE, &opt.incremental,
	 N_("Export what has changed, where that is known"), NULL},
	{"directory", 'd', 0, G_OPTION_ARG_STRING, &opt.directory, N_("Export to this folder"),
	 "DIR"},
	G_OPTION_ENTRY_NULL,
};

static const GOptionEntry list_options[] = {
	{"group", 'g', 0, G_OPTION_ARG_STRING, &opt.group, N_("Only those of this group"), "GROUP"},
	G_OPTION_ENTRY_NULL,
};

const struct command schedule_commands[] = {
	{"schedule", "create", "GROUP DIR", 2, 2, 0, N_("Back a group up at fixed times"),
	 N_("Each run is as `cairn backup GROUP DIR'. One that was missed is made up for."),
	 create_options, schedule_create},
	{"schedule", "list", "", 0, 0, COMMAND_READ, N_("List the schedules and their next runs"),
	 NULL, list_options, schedule_list},
	{"schedule", "show", "SCHEDULE", 1, 1, COMMAND_READ,
	 N_("Show a schedule and its next five runs"),
	 N_("A schedule is named by its name or its GUID."), NULL, schedule_show},
	{"schedule", "run", "SCHEDULE", 1, 1, 0, N_("Run a schedule now, besides its times"), NULL,
	 NULL, schedule_run},
	{"schedule", "suspend", "SCHEDULE", 1, 1, 0, N_("Let its times pass without runs"),
	 N_("A run that is under way goes on."), NULL, schedule_control},
	{"schedule", "resume", "SCHEDULE", 1, 1, 0, N_("Go on with a suspended or failed one"),
	 NULL, NULL, schedule_control},
	{"schedule", "terminate", "SCHEDULE", 1, 1, 0, N_("End a schedule, and its run"),
	 N_("It is shown for a while still; `cairn schedule delete' forgets it at once."), NULL,
	 schedule_control},
	{"schedule", "delete", "SCHEDULE", 1, 1, 0, N_("Forget a schedule"),
	 N_("A run that is under way goes on. Exports stay."), NULL, schedule_delete},
	{"schedule", "set", "SCHEDULE", 1, 1, 0, N_("Change a schedule"),
	 N_("What is not given stays. An empty value takes --start, --until and --notify away."),
	 set_options, schedule_set},
	{0},
};
