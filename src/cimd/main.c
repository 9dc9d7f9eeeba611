/* cairn-cimd: wiring. Rights are given up on the way: the helper for passwords is forked, what only
 * root may open is opened, then the user changes and the filter on system calls closes. */
#include "base/error.h"
#include "base/catalogue.h"
#include "cimd/config.h"
#include "cimd/dispatch.h"
#include "cimd/events.h"
#include "cimd/http.h"
#include "cimd/model.h"
#include "cimd/sandbox.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define PAM_SERVICE "cairn-cimd"

/* In the order in which they are made; freed the other way round. */
struct front {
	struct cimd_config *config;
	struct auth_helper *helper;
	struct auth *auth;
	struct cim_schema *schema;
	struct languages *languages;
	char *host;
	struct events *events;
	struct model *model;
	struct dispatch *dispatch;
	struct http_server *server;
};

/* ---- making ---- */

static gboolean
offers(const struct cimd_config *config, const char *mode)
{
	return config->auth.modes && g_strv_contains((const char *const *)config->auth.modes, mode);
}

static gboolean
make_auth(struct front *front, GError **error)
{
	const struct auth_config *config = &front->config->auth;
	const char *service =
		config->pam_service && *config->pam_service ? config->pam_service : PAM_SERVICE;
	if (offers(front->config, "basic")) {
		front->helper = auth_helper_start(service, error);
		if (!front->helper)
			return FALSE;
	}
	front->auth = auth_new(config, front->helper, error);
	return front->auth != NULL;
}

/* WMI writes host names in capitals. */
static char *
host_name(void)
{
	g_auto(GStrv) parts = g_strsplit(g_get_host_name(), ".", 2);
	return g_ascii_strup(parts[0], -1);
}

static void
on_change(enum cim_namespace_id ns, struct cim_instance *before, struct cim_instance *after,
	  void *data)
{
	struct front *front = data;
	events_change(front->events, ns, before, after);
}

static gboolean
make_events(struct front *front, GError **error)
{
	struct events_config config = {.schema = front->schema,
				       .host = front->host,
				       .destinations = front->config->event_destinations,
				       .tls_ca = front->config->http.tls_ca};
	front->events = events_new(&config, error);
	return front->events != NULL;
}

static gboolean
make_model(struct front *front)
{
	struct model_config config = {.schema = front->schema,
				      .socket = front->config->control,
				      .host = front->host,
				      .languages = front->languages};
	front->model = model_new(&config, on_change, front);
	return TRUE;
}

static gboolean
make_dispatch(struct front *front, GError **error)
{
	struct dispatch_config config = {
		.schema = front->schema,
		.model = front->model,
		.events = front->events,
		.languages = front->languages,
		.host = front->host,
		.namespace = cim_namespace_find(front->config->default_namespace, NULL)};
	if (config.namespace == CIM_NS_LAST)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "default-namespace: there is no namespace \"%s\"",
				  front->config->default_namespace);
	front->dispatch = dispatch_new(&config);
	return TRUE;
}

/* Listeners before the user changes (ports, keys); threads of libraries after that. */
static gboolean
make(struct front *front, GError **error)
{
	g_autofree char *folder = catalogue_folder();
	front->host = host_name();
	front->languages = languages_new(folder);
	front->schema = cim_schema_new((guint)front->config->compat_build, error);
	if (!front->schema || !make_events(front, error) || !make_model(front) ||
	    !make_dispatch(front, error))
		return FALSE;
	front->server = http_server_new(&front->config->http, front->auth, dispatch_handle,
					front->dispatch, error);
	return front->server && sandbox_drop_user(front->config->user, error);
}

static void
clear(struct front *front)
{
	http_server_free(front->server);
	dispatch_free(front->dispatch);
	model_free(front->model);
	events_free(front->events);
	cim_schema_free(front->schema);
	languages_free(front->languages);
	auth_free(front->auth);
	auth_helper_free(front->helper);
	g_free(front->host);
}

/* ---- running ---- */

static gboolean
on_quit(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean
on_reload(gpointer data)
{
	struct front *front = data;
	g_autoptr(GError) error = NULL;
	sd_notify(0, "RELOADING=1");
	if (http_server_reload(front->server, &error))
		g_message("certificates were read again");
	else
		g_warning("the certificates stay as they were: %s", error->message);
	sd_notify(0, "READY=1");
	return G_SOURCE_CONTINUE;
}

static void
say_ready(const struct front *front)
{
	const char *url;
	for (guint i = 0; (url = http_server_url(front->server, i)); i++)
		g_message("listening on %s", url);
	sd_notify(0, "READY=1\nSTATUS=running");
}

static void
run(struct front *front)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	guint sources[] = {
		g_unix_signal_add(SIGTERM, on_quit, loop),
		g_unix_signal_add(SIGINT, on_quit, loop),
		g_unix_signal_add(SIGHUP, on_reload, front),
	};
	say_ready(front);
	g_main_loop_run(loop);
	sd_notify(0, "STOPPING=1");
	g_message("stopping");
	for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
		g_source_remove(sources[i]);
}

static gboolean
enter_sandbox(const struct front *front, GError **error)
{
	if (front->config->sandbox && sandbox_possible())
		return sandbox_enter(FALSE, error);
	g_warning("running without the filter on system calls");
	return TRUE;
}

static int
serve(struct cimd_config *config)
{
	g_autoptr(GError) error = NULL;
	struct front front = {.config = config};
	gboolean ok =
		make_auth(&front, &error) && make(&front, &error) && enter_sandbox(&front, &error);
	if (ok)
		run(&front);
	else
		fprintf(stderr, "cairn-cimd: %s\n", error->message);
	clear(&front);
	return ok ? EXIT_OK : EXIT_FAILED;
}

/* ---- the command line ---- */

static void
log_line(const char *domain, GLogLevelFlags level, const char *message, gpointer verbose)
{
	if ((level & G_LOG_LEVEL_MASK) > G_LOG_LEVEL_MESSAGE && !GPOINTER_TO_INT(verbose))
		return;
	fprintf(stderr, "cairn-cimd: %s%s\n",
		(level & G_LOG_LEVEL_MASK) <= G_LOG_LEVEL_WARNING ? "warning: " : "", message);
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	setlocale(LC_ALL, "");
	/* Texts are translated where they leave: see languages.h. */
	setlocale(LC_MESSAGES, "C");
	cairn_auto(cimd_config) config = cimd_config_load(&argc, &argv, &error);
	if (!config) {
		fprintf(stderr, "cairn-cimd: %s\n", error->message);
		return EXIT_USAGE;
	}
	g_log_set_default_handler(log_line, GINT_TO_POINTER(config->common.verbose));
	signal(SIGPIPE, SIG_IGN);
	if (config->common.version) {
		printf("cairn-cimd %s\n", CAIRN_VERSION);
		return EXIT_OK;
	}
	if (config->common.check) {
		g_autofree char *text = cimd_config_text(config);
		fputs(text, stdout);
		return EXIT_OK;
	}
	return serve(config);
}
