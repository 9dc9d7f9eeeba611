/* The daemon's settings. */
#pragma once

#include "base/auto.h"
#include "base/settings.h"

#include <glib.h>
#include <jansson.h>

struct config {
	struct settings_common common;
	char *state_dir, *run_dir, *scratch_dir;
	char **connect, **export_roots;
	char *socket_group;
	char *front_end_user;
	char **observers, **operators, **administrators;
	char *export_program;
	guint64 max_jobs, max_copies, workers;
	guint64 copies_per_host, rate_per_host, starve_after;
	guint64 hold_seconds, keep_jobs, keep_history, max_history;
	guint64 freeze_timeout, max_pause;
	guint64 scratch_limit, scratch_reserve;
	guint64 connections;
	char **notify_urls, *notify_program, *sendmail, *mail_from, *notify_ca;
	guint64 notify_timeout;
	char **commands; /* see commands.h */
};

/* The default file, the file named by --config, then the options, each over the one before. INVALID
 * names the key and the limits. *@argc and @argv as main() got them. Free with config_free(). */
struct config *config_load(int *argc, char ***argv, GError **error);
void config_free(struct config *config);
CAIRN_DEFINE_AUTO(config, config_free)

/* What was understood, one "key = value" a line, as a configuration file; free with g_free(). */
char *config_text(const struct config *config);
json_t *config_view(const struct config *config);
