/* What deliver.c and deliver_url.c share. */
#pragma once

#include "cimd/deliver.h"

#include <curl/curl.h>

struct deliver {
	CURLM *multi;
	char **origins;	     /* "https://host:443", lower case */
	char *tls_ca;	     /* or NULL */
	guint timer;	     /* source of libcurl's time-out */
	GHashTable *watches; /* of struct watch, by descriptor */
	GHashTable *posts;   /* under way: a set */
};

struct deliver_url {
	char *origin; /* "http://host:80": scheme and host in lower case, the port always */
	char *path;   /* with the query; at least "/" */
};

/* INVALID says what is wrong. */
gboolean deliver_url_parse(const char *text, struct deliver_url *ret_url, GError **error);
void deliver_url_clear(struct deliver_url *url);
/* The origins of a configuration's list, NULL terminated. */
char **deliver_origins(char *const *destinations, GError **error);
