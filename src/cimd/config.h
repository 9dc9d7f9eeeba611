/* The front end's settings: section [cimd] of cairn.conf, and options. */
#pragma once

#include "base/auto.h"
#include "base/settings.h"
#include "cimd/auth.h"
#include "cimd/http.h"

struct cimd_config {
	struct settings_common common;
	struct http_config http;
	struct auth_config auth;
	char *control;		   /* cairnd's socket */
	char *user;		   /* who we become when root starts us; "": nobody else */
	gboolean sandbox;	   /* a filter on system calls */
	guint64 compat_build;	   /* one of cimd_builds */
	char *default_namespace;   /* when a request names none */
	char **event_destinations; /* scheme://host:port that events may go to; events.c checks them
				    */
};

/* Windows builds whose classes can be shown, newest first, 0 at the end. */
extern const guint cimd_builds[];

/* As settings_load(); also checks what can be checked without looking at the machine. Free with
 * cimd_config_free(). */
struct cimd_config *cimd_config_load(int *argc, char ***argv, GError **error);
void cimd_config_free(struct cimd_config *config);
CAIRN_DEFINE_AUTO(cimd_config, cimd_config_free)

/* As a configuration file; free with g_free(). */
char *cimd_config_text(const struct cimd_config *config);
