/* The daemon's settings: one table of keys is the configuration file, the options, `--check` and
 * what cairn.conf(5) is tested against. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

enum config_type {
	CONFIG_TEXT,
	CONFIG_LIST, /* repeated option; in the file separated by ';' */
	CONFIG_NUMBER,
	CONFIG_SECONDS,
	CONFIG_BYTES, /* with K, M, G, T */
};

struct config_key {
	const char *name;
	const char *group; /* section of the file */
	enum config_type type;
	gsize offset;
	guint64 min, max;
	const char *fallback;
	const char *argument; /* in the help */
	const char *help;
};
/* Ended by a NULL name. */
extern const struct config_key config_keys[];

struct config {
	char *file;
	char *state_dir, *run_dir, *scratch_dir;
	char **connect, **export_roots;
	char *socket_group;
	char *front_end_user;
	char **observers, **operators, **administrators;
	char *export_program;
	guint64 max_jobs, max_copies, workers;
	guint64 hold_seconds, keep_jobs;
	guint64 freeze_timeout, max_pause;
	guint64 scratch_limit, scratch_reserve;
	guint64 connections;
	gboolean check, version, verbose;
};

/* The default file, the file named by --config, then the options, each over the one before. INVALID
 * names the key and the limits. *@argc and @argv as main() got them. Free with config_free(). */
struct config *config_load(int *argc, char ***argv, GError **error);
void config_free(struct config *config);
CAIRN_DEFINE_AUTO(config, config_free)

/* What was understood, one "key = value" a line, as a configuration file; free with g_free(). */
char *config_text(const struct config *config);
json_t *config_view(const struct config *config);
