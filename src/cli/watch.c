/* One loop: events of the daemon, the clock for redrawing, ^C and the size of the terminal.
 * Events may be lost (the daemon drops them for slow readers), so after a while of silence the jobs
 * are asked for again. */
#include "cli/watch.h"

#include "base/error.h"
#include "cli/field.h"
#include "cli/language.h"
#include "cli/progress.h"
#include "cli/remote.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_USEC  (G_USEC_PER_SEC / 5)
#define SILENCE_USEC (2 * G_USEC_PER_SEC)  /* then ask */
#define POLL_USEC    (G_USEC_PER_SEC / 2)  /* the same of another host, which sends no events */
#define AWAY_USEC    (60 * G_USEC_PER_SEC) /* how long a daemon may be away */
#define RECONNECT_MS 300
#define JOBS_WATCHED 8

static volatile sig_atomic_t interrupted;

struct watch {
	struct cli *cli;
	const char *const *ids;
	json_t *jobs; /* array: the last known state, in the order of ids; null: not yet known */
	struct progress *progress; /* NULL with --quiet */
	gint64 heard, drawn;	   /* monotonic microseconds */
};

gboolean
job_ended(const json_t *job)
{
	guint64 state = field_uint(job, "state");
	return (state >= JOB_COMPLETED && state <= JOB_EXCEPTION) || state == JOB_WARNINGS;
}

gboolean
job_succeeded(const json_t *job)
{
	guint64 state = field_uint(job, "state");
	return state == JOB_COMPLETED || state == JOB_WARNINGS;
}

/* ---- the terminal ---- */

static gint64
env_clock(void *data)
{
	return g_get_monotonic_time();
}

static void
env_size(void *data, guint *ret_columns, guint *ret_rows)
{
	struct winsize size = {0};
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		size = (struct winsize){.ws_col = 80, .ws_row = 24};
	*ret_columns = size.ws_col;
	*ret_rows = size.ws_row ? size.ws_row : 24;
}

static void
env_write(void *data, const char *text)
{
	fflush(stdout);
	fputs(text, stderr);
}

void
watch_progress_env(struct progress_env *ret_env)
{
	*ret_env = (struct progress_env){
		.terminal = isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0,
		.utf8 = g_get_charset(NULL),
		.clock = env_clock,
		.size = env_size,
		.write = env_write,
	};
}

static void
on_signal(int sig)
{
	if (sig == SIGINT)
		interrupted = 1;
}

/* No wait here is longer than REDRAW_USEC, so a signal just before it is seen soon enough. The
 * second ^C has its usual effect: a daemon that does not answer must not hold anybody. */
static void
catch_signals(void)
{
	struct sigaction interrupt = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	struct sigaction resize = {.sa_handler = on_signal};
	interrupted = 0;
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGWINCH, &resize, NULL);
}

static void
release_signals(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGWINCH, SIG_DFL);
}

/* ---- what is known of the jobs ---- */

static void
learn(struct watch *watch, guint i, const json_t *news)
{
	json_t *job = json_array_get(watch->jobs, i);
	if (!json_is_object(job)) {
		job = json_object();
		json_array_set_new(watch->jobs, i, job);
	}
	json_object_update(job, (json_t *)news);
	if (watch->progress)
		progress_update(watch->progress, news);
}

static gboolean
ask_all(struct watch *watch, GError **error)
{
	for (guint i = 0; watch->ids[i]; i++) {
		json_t *arguments = json_pack("{s:s}", "job", watch->ids[i]);
		g_autoptr(json_t) job = cli_call(watch->cli, "job-show", arguments, error);
		if (!job)
			return FALSE;
		learn(watch, i, job);
	}
	watch->heard = g_get_monotonic_time();
	return TRUE;
}

static gboolean
subscribe(struct watch *watch, GError **error)
{
	if (watch->cli->login)
		return ask_all(watch, error);
	json_t *arguments =
		json_pack("{s:[sss]}", "events", "JOB_CHANGED", "JOB_PROGRESS", "JOB_REMOVED");
	g_autoptr(json_t) answer = cli_call(watch->cli, "subscribe", arguments, error);
	return answer && ask_all(watch, error);
}

static gboolean
names(const json_t *job, const char *id)
{
	g_autofree char *number = field_any(job, "number");
	const char *guid = field_text(job, "id");
	return (guid && g_ascii_strcasecmp(guid, id) == 0) || g_strcmp0(number, id) == 0;
}

static void
take_event(struct watch *watch, const json_t *event)
{
	const char *name = field_text(event, "event");
	json_t *data = field_object(event, "data");
	for (guint i = 0; data && watch->ids[i]; i++) {
		/* An event may be older than what job-show told since; the end is the end.
		 * Removed: asking for it tells so properly. */
		if (names(data, watch->ids[i]) && !job_ended(json_array_get(watch->jobs, i)) &&
		    g_strcmp0(name, "JOB_REMOVED") != 0)
			learn(watch, i, data);
	}
	watch->heard = g_get_monotonic_time();
}

static gboolean
all_ended(const struct watch *watch)
{
	size_t i;
	json_t *job;
	json_array_foreach (watch->jobs, i, job)
		if (!job_ended(job))
			return FALSE;
	return TRUE;
}

/* ---- the loop ---- */

static void
draw(struct watch *watch)
{
	gint64 now = g_get_monotonic_time();
	if (!watch->progress || now - watch->drawn < REDRAW_USEC)
		return;
	progress_draw(watch->progress);
	watch->drawn = now;
}

/* Waits for an event, ^C or the next drawing; then takes all events that are there. */
static gboolean
wait_once(struct watch *watch, GError **error)
{
	const struct control_client *client = watch->cli->client;
	struct pollfd fd = {.fd = client ? control_client_fd(client) : -1, .events = POLLIN};
	if (poll(&fd, 1, REDRAW_USEC / 1000) < 0 && errno != EINTR) {
		cairn_set_errno(error, errno, "poll");
		return FALSE;
	}
	while (client) {
		g_autoptr(GError) local = NULL;
		g_autoptr(json_t) event = control_client_event(watch->cli->client, 0, &local);
		if (local) {
			g_propagate_error(error, g_steal_pointer(&local));
			return FALSE;
		}
		if (!event)
			return TRUE;
		take_event(watch, event);
	}
	return TRUE;
}

/* The daemon went away: its jobs are on disk and it comes back to them. */
static gboolean
reconnect(struct watch *watch, GError **error)
{
	gint64 deadline = g_get_monotonic_time() + AWAY_USEC;
	if (watch->progress)
		progress_clear(watch->progress);
	const char *who = watch->cli->login ? watch->cli->login->url : "cairnd";
	cli_note(watch->cli, _("cairn: %s went away; waiting for it to come back"), who);
	while (!interrupted) {
		g_autoptr(GError) local = NULL;
		cli_disconnect(watch->cli);
		if (subscribe(watch, &local)) {
			cli_note(watch->cli, _("cairn: %s is back"), who);
			return TRUE;
		}
		if (!cli_lost(watch->cli, local) || g_get_monotonic_time() > deadline) {
			g_propagate_error(error, g_steal_pointer(&local));
			return FALSE;
		}
		poll(NULL, 0, RECONNECT_MS);
	}
	return TRUE;
}

static gboolean
loop_once(struct watch *watch, GError **error)
{
	g_autoptr(GError) local = NULL;
	gint64 patience = watch->cli->login ? POLL_USEC : SILENCE_USEC;
	gboolean silent = g_get_monotonic_time() - watch->heard >= patience;
	draw(watch);
	if (wait_once(watch, &local) && (!silent || ask_all(watch, &local)))
		return TRUE;
	if (cli_lost(watch->cli, local))
		return reconnect(watch, error);
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static void
say_detached(struct watch *watch)
{
	size_t i;
	json_t *job;
	json_array_foreach (watch->jobs, i, job) {
		if (json_is_object(job) && job_ended(job))
			continue;
		g_autofree char *number = field_job(job);
		const char *name = number ? number : watch->ids[i];
		cli_note(
			watch->cli,
			_("cairn: job %s goes on\n"
			  "cairn: `cairn job watch %s' shows it, `cairn job terminate %s' ends it"),
			name, name, name);
	}
}

static int
run_watch(struct watch *watch, GError **error)
{
	if (!subscribe(watch, error))
		return CLI_FAILED;
	while (!all_ended(watch) && !interrupted)
		if (!loop_once(watch, error))
			return CLI_FAILED;
	if (interrupted && !all_ended(watch))
		return CLI_DETACHED;
	/* The events told the end; job-show also has what is in no event. */
	g_autoptr(GError) local = NULL;
	if (!ask_all(watch, &local))
		g_debug("job-show at the end: %s", local->message);
	return CLI_OK;
}

int
watch_jobs(struct cli *cli, const char *const *ids, json_t **ret_jobs, GError **error)
{
	struct watch watch = {.cli = cli, .ids = ids, .jobs = json_array()};
	struct progress_env env;
	for (guint i = 0; ids[i] && i < JOBS_WATCHED; i++)
		json_array_append_new(watch.jobs, json_null());
	watch_progress_env(&env);
	if (!cli->quiet)
		watch.progress = progress_new(&env);
	catch_signals();
	int status = run_watch(&watch, error);
	release_signals();
	if (watch.progress)
		progress_clear(watch.progress);
	progress_free(watch.progress);
	if (status == CLI_DETACHED)
		say_detached(&watch);
	if (status == CLI_OK)
		*ret_jobs = json_incref(watch.jobs);
	json_decref(watch.jobs);
	return status;
}

/* ---- the end ---- */

char *
watch_where(const json_t *problem, const json_t *job)
{
	const char *vm = field_text(problem, "vm"), *disk = field_text(problem, "disk");
	const char *name = NULL;
	size_t i;
	json_t *item;
	json_array_foreach (field_array(job, "disks"), i, item)
		if (vm && g_strcmp0(field_text(item, "vm"), vm) == 0)
			name = field_text(item, "vm-name");
	if (!vm)
		return NULL;
	if (!name)
		name = vm;
	return disk ? g_strdup_printf("%s:%s", name, disk) : g_strdup(name);
}

/* @told is what the first line said already. */
static void
print_problem(const json_t *problem, const json_t *job, const char *told)
{
	g_autofree char *english = value_any(problem);
	g_autofree char *message = cli_translate(english);
	g_autofree char *where = watch_where(problem, job);
	if (g_strcmp0(english, told) != 0)
		cli_talk("  %s%s%s", where ? where : "", where ? ": " : "", message);
	size_t i;
	json_t *item;
	json_array_foreach (field_array(problem, "actions"), i, item) {
		g_autofree char *action = cli_translate(json_string_value(item));
		cli_talk("    -> %s", action);
	}
}

int
watch_verdict(struct cli *cli, const json_t *job)
{
	g_autofree char *number = field_job(job);
	g_autofree char *title = progress_title(job);
	size_t i;
	json_t *item;
	if (job_succeeded(job)) {
		json_array_foreach (field_array(job, "warnings"), i, item) {
			g_autofree char *english = value_any(item);
			g_autofree char *text = cli_translate(english);
			cli_warn("%s", text);
		}
		return CLI_OK;
	}
	g_autofree char *why = field_any(job, "error");
	g_autofree char *translated = cli_translate(why);
	const char *state = field_word(job, "state-name");
	g_autoptr(GError) error =
		g_error_new(CAIRN_ERROR, CAIRN_ERROR_IO, _("job %s (%s): %s%s%s"), number, title,
			    state ? state : _("failed"), why ? ": " : "", why ? translated : "");
	cli_print_error(cli, error);
	g_autoptr(json_t) problems =
		cli_call(cli, "job-errors", json_pack("{s:s}", "job", number), NULL);
	json_array_foreach (problems, i, item)
		print_problem(item, job, why);
	return CLI_FAILED;
}
