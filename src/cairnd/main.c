/* cairnd: opens the store, the hosts and the sockets, puts right what an earlier life left, and
 * runs. */
#include "base/error.h"
#include "base/file.h"
#include "cairnd/handlers.h"
#include "cairnd/hosts.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define TICK_MS	     1000
#define TIDY_SECONDS 600
#define CLOCK_JUMP   (2 * G_USEC_PER_SEC)

static void
log_line(const char *domain, GLogLevelFlags level, const char *message, gpointer verbose)
{
	gboolean detail = level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO);
	if (detail && !GPOINTER_TO_INT(verbose))
		return;
	/* The digits are syslog's, which systemd reads; on a terminal they would be noise. */
	fprintf(stderr, "cairnd: %s\n", message);
}

static void
on_event(void *user, const char *name, json_t *data)
{
	struct daemon *daemon = user;
	if (daemon->server)
		publish_event(daemon, name, data);
	else
		json_decref(data);
}

/* Between two ticks the clock of the wall and that of the machine go the same way, or it was set.
 */
static void
watch_clock(struct daemon *daemon)
{
	gint64 ahead = g_get_real_time() - g_get_monotonic_time();
	gint64 by = ahead - daemon->clock_ahead;
	daemon->clock_ahead = ahead;
	if (ABS(by) < CLOCK_JUMP)
		return;
	g_message("the clock was set by %.1f seconds", (double)by / G_USEC_PER_SEC);
	engine_clock_set(daemon->engine, by);
}

static gboolean
on_tick(gpointer data)
{
	struct daemon *daemon = data;
	watch_clock(daemon);
	engine_tick(daemon->engine);
	guard_tick(daemon->world);
	copies_tick(daemon->world);
	retain_tick(daemon->world);
	hosts_tick(daemon->world->hosts);
	return G_SOURCE_CONTINUE;
}

static gboolean
is_needed(const struct daemon *daemon, const char *id)
{
	const struct point *point = engine_point_by_id(daemon->engine, id);
	g_autoptr(GPtrArray) jobs = engine_active_jobs(daemon->engine);
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];
		if (g_strcmp0(job->point, id) == 0)
			return TRUE;
	}
	return point && point->held;
}

/* What was saved of the machines at a point serves its exports, which need its data too. */
static void
remove_stray_folders(const struct daemon *daemon)
{
	g_autofree char *path = g_build_filename(daemon->config->state_dir, "points", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *folder = g_build_filename(path, name, NULL);
		if (!is_needed(daemon, name))
			cairn_remove_tree(folder, NULL);
	}
}

static gboolean
on_tidy(gpointer daemon)
{
	remove_stray_folders(daemon);
	return G_SOURCE_CONTINUE;
}

static gboolean
on_quit(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static struct store *
open_store(const struct config *config, GError **error)
{
	g_autofree char *path = g_build_filename(config->state_dir, "store.sqlite", NULL);
	g_autofree char *uri = g_strconcat("sqlite:", path, NULL);
	return store_open(uri, error);
}

static void
tell_away(struct daemon *daemon)
{
	g_autoptr(GStrvBuilder) uris = g_strv_builder_new();
	for (guint i = 0; i < hosts_count(daemon->world->hosts); i++) {
		const struct host *host = hosts_get(daemon->world->hosts, i);
		if (host->error)
			g_strv_builder_add(uris, host->uri);
	}
	g_auto(GStrv) away = g_strv_builder_end(uris);
	engine_hosts_away(daemon->engine, away);
}

/* The hosts have told what an earlier life left, or do not answer: guests may be waiting. */
static void
on_looked(struct world *world, void *user)
{
	struct daemon *daemon = user;
	daemon->clock_ahead = g_get_real_time() - g_get_monotonic_time();
	tell_away(daemon);
	engine_start(daemon->engine);
	remove_stray_folders(daemon);
	daemon->tick = g_timeout_add(TICK_MS, on_tick, daemon);
	daemon->tidy = g_timeout_add_seconds(TIDY_SECONDS, on_tidy, daemon);
	sd_notify(0, "READY=1\nSTATUS=running");
	g_message("ready on %s/control.sock", daemon->config->run_dir);
}

static void
run(struct daemon *daemon)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	guint term = g_unix_signal_add(SIGTERM, on_quit, loop);
	guint interrupt = g_unix_signal_add(SIGINT, on_quit, loop);
	hosts_look(daemon->world->hosts, on_looked, daemon);
	g_main_loop_run(loop);
	sd_notify(0, "STOPPING=1");
	g_message("stopping");
	g_source_remove(term);
	g_source_remove(interrupt);
	if (daemon->tick)
		g_source_remove(daemon->tick);
	if (daemon->tidy)
		g_source_remove(daemon->tidy);
}

static gboolean
start(struct daemon *daemon, struct store *store, GError **error)
{
	const struct config *config = daemon->config;
	struct engine_limits limits = {.max_jobs = config->max_jobs,
				       .max_copies = config->max_copies,
				       .hold_seconds = config->hold_seconds,
				       .history_seconds = config->keep_history,
				       .history_jobs = config->max_history,
				       .copies_per_host = config->copies_per_host,
				       .rate_per_host = config->rate_per_host,
				       .starve_seconds = config->starve_after};
	daemon->engine = engine_new(store, &limits, &world_io, daemon->world, error);
	if (!daemon->engine)
		return FALSE;
	daemon->world->engine = daemon->engine;
	daemon->world->event = on_event;
	daemon->world->user = daemon;
	daemon->gate = gate_new(config, error);
	if (!daemon->gate)
		return FALSE;
	daemon->server =
		control_server_new(config->run_dir, config->socket_group, gate_call, daemon, error);
	guint gid;
	if (!daemon->server ||
	    (gate_front_end(daemon->gate, &gid) &&
	     !control_server_open_front(daemon->server, config->run_dir, gid, error)))
		return FALSE;
	if (geteuid() == 0 && !control_group_exists(config->socket_group))
		g_warning("there is no group \"%s\": only root can use %s/control.sock",
			  config->socket_group, config->run_dir);
	return TRUE;
}

static int
serve(struct config *config)
{
	g_autoptr(GError) error = NULL;
	struct daemon daemon = {.config = config, .started = g_get_monotonic_time()};
	cairn_auto(world) world = daemon.world = world_new(config);
	gboolean ok = g_mkdir_with_parents(config->state_dir, 0711) == 0;
	if (!ok)
		cairn_set_errno(&error, errno, "cannot create \"%s\"", config->state_dir);
	/* The store is locked first: a second daemon ends here, before it touches anything. */
	cairn_auto(store) store = ok ? open_store(config, &error) : NULL;
	ok = store && world_open(world, &error) && start(&daemon, store, &error);
	if (ok)
		run(&daemon);
	else
		fprintf(stderr, "cairnd: %s\n", error->message);
	control_server_free(daemon.server);
	daemon.server = NULL;
	/* A window under way ends first; then nothing uses the engine any more. */
	if (!world_stop(world)) {
		g_warning("a host hangs: ending without it");
		_exit(ok ? EXIT_OK : EXIT_FAILED); /* its thread may still use all of this */
	}
	world_free(g_steal_pointer(&world));
	engine_free(daemon.engine);
	gate_free(daemon.gate);
	return ok ? EXIT_OK : EXIT_FAILED;
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	setlocale(LC_ALL, "");
	/* Errors are translated for whoever reads them: see base/catalogue.h. */
	setlocale(LC_MESSAGES, "C");
	handlers_check();
	cairn_auto(config) config = config_load(&argc, &argv, &error);
	if (!config) {
		fprintf(stderr, "cairnd: %s\n", error->message);
		return EXIT_USAGE;
	}
	g_log_set_default_handler(log_line, GINT_TO_POINTER(config->common.verbose));
	signal(SIGPIPE, SIG_IGN);
	if (config->common.version) {
		printf("cairnd %s\n", CAIRN_VERSION);
		return EXIT_OK;
	}
	if (config->common.check) {
		g_autofree char *text = config_text(config);
		fputs(text, stdout);
		return EXIT_OK;
	}
	return serve(config);
}
