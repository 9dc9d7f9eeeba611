/* Errands as children: cairn-notify, or a command of the configuration. Each has its time, and goes
 * with all that it has started. */
#include "cairnd/world.h"

#include "base/error.h"
#include "base/json.h"
#include "base/spawn.h"
#include "cairnd/commands.h"
#include "cairnd/errand.h"

#include <signal.h>
#include <sys/wait.h>

#define SECONDS_TEXT 24 /* bytes */

struct errand_run {
	struct world *world;
	char *id;
	struct spawn *spawn; /* NULL: it could not be started */
	GError *error;	     /* why */
	guint source;	     /* of the time-out, or of the answer that it could not be started */
	gboolean late;
};

static void
run_free(struct errand_run *run)
{
	if (run->source)
		g_source_remove(run->source);
	if (run->spawn)
		spawn_signal_group(run->spawn, SIGKILL);
	spawn_free(run->spawn);
	g_clear_error(&run->error);
	g_free(run->id);
	g_free(run);
}

static void
run_done(struct errand_run *run, const GError *error)
{
	struct world *world = run->world;
	g_autofree char *id = g_strdup(run->id);
	g_autoptr(GError) copy = error ? g_error_copy(error) : NULL;
	g_ptr_array_remove(world->errands, run);
	engine_errand_done(world->engine, id, copy);
}

static void
on_exited(int status, const char *last_error, void *user)
{
	struct errand_run *run = user;
	g_autoptr(GError) error = NULL;
	if (run->late)
		cairn_fail(&error, CAIRN_ERROR_LIMIT, "it took longer than %llu seconds",
			   (unsigned long long)run->world->config->notify_timeout);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		cairn_fail(&error, CAIRN_ERROR_PEER, "%s",
			   last_error ? last_error : "it failed without a word");
	run_done(run, error);
}

static const struct spawn_handlers handlers = {.exited = on_exited};

static gboolean
on_late(gpointer data)
{
	struct errand_run *run = data;
	run->source = 0;
	run->late = TRUE;
	spawn_signal_group(run->spawn, SIGKILL);
	return G_SOURCE_REMOVE;
}

static gboolean
on_not_started(gpointer data)
{
	struct errand_run *run = data;
	run->source = 0;
	run_done(run, run->error);
	return G_SOURCE_REMOVE;
}

/* ---- what they are given ---- */

static char **
notify_argv(const struct config *config, const struct errand *errand)
{
	g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
	char seconds[SECONDS_TEXT];
	g_snprintf(seconds, sizeof seconds, "%u", (guint)config->notify_timeout);
	g_strv_builder_add_many(argv, config->notify_program, "--sendmail", config->sendmail,
				"--timeout", seconds, NULL);
	for (char **url = config->notify_urls; url && *url; url++)
		g_strv_builder_add_many(argv, "--url", *url, NULL);
	if (*config->mail_from)
		g_strv_builder_add_many(argv, "--from", config->mail_from, NULL);
	if (*config->notify_ca)
		g_strv_builder_add_many(argv, "--ca", config->notify_ca, NULL);
	g_strv_builder_add_many(argv, "--", errand->target, NULL);
	return g_strv_builder_end(argv);
}

/* An environment cannot hold a line break that a careless script would take for more. */
static void
add_variable(GStrvBuilder *environment, const char *name, const char *value)
{
	g_autofree char *text = g_strdup_printf("%s=%s", name, value ? value : "");
	for (char *at = text; *at; at++)
		if ((guchar)*at < ' ')
			*at = ' ';
	g_strv_builder_add(environment, text);
}

/* Nothing of ours: what a command needs to find programs, and what has happened. */
static char **
environment_of(const struct errand *errand)
{
	static const struct {
		const char *name, *key;
	} variables[] = {
		{"CAIRN_JOB_KIND", "kind"},    {"CAIRN_GROUP", "group-name"},
		{"CAIRN_POINT", "point-name"}, {"CAIRN_DIRECTORY", "directory"},
		{"CAIRN_STATE", "state-name"}, {"CAIRN_ERROR", "error"},
	};
	const json_t *job = json_object_get(errand->payload, "job");
	g_autoptr(GStrvBuilder) environment = g_strv_builder_new();
	char number[SECONDS_TEXT];
	g_snprintf(number, sizeof number, "%llu", (unsigned long long)errand->job_number);
	add_variable(environment, "PATH",
		     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	add_variable(environment, "HOME", "/");
	add_variable(environment, "LANG", "C.UTF-8");
	add_variable(environment, "CAIRN_JOB_ID", errand->job);
	add_variable(environment, "CAIRN_JOB_NUMBER", number);
	for (guint i = 0; i < G_N_ELEMENTS(variables); i++)
		add_variable(environment, variables[i].name,
			     json_string_value(json_object_get(job, variables[i].key)));
	return g_strv_builder_end(environment);
}

static struct spawn *
start(struct errand_run *run, const struct errand *errand, GError **error)
{
	const struct config *config = run->world->config;
	g_auto(GStrv) argv = errand->type == ERRAND_NOTIFY
				     ? notify_argv(config, errand)
				     : commands_find(config->commands, errand->target, error);
	if (!argv)
		return NULL;
	g_auto(GStrv) environment = environment_of(errand);
	g_autofree char *text = cairn_json_dump(errand->payload);
	const struct spawn_input input = {text, environment};
	return spawn_new_with(argv, &input, &handlers, run, error);
}

void
errands_start(void *user, const struct errand *errand)
{
	struct world *world = user;
	struct errand_run *run = g_new0(struct errand_run, 1);
	run->world = world;
	run->id = g_strdup(errand->id);
	g_ptr_array_add(world->errands, run);
	run->spawn = start(run, errand, &run->error);
	if (run->spawn)
		run->source =
			g_timeout_add_seconds((guint)world->config->notify_timeout, on_late, run);
	else
		run->source = g_idle_add(on_not_started, run);
}

void
errands_init(struct world *world)
{
	world->errands = g_ptr_array_new_with_free_func((GDestroyNotify)run_free);
}

void
errands_free(struct world *world)
{
	g_clear_pointer(&world->errands, g_ptr_array_unref);
}
