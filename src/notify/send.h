/* The three ways out. Each blocks until it is done, at most for its time, and says in the error
 * what went wrong. */
#pragma once

#include <glib.h>
#include <jansson.h>

#define NOTIFY_PAYLOAD_MAX     (8 << 20)  /* bytes of what is to be told */
#define NOTIFY_ANSWER_MAX      (64 << 10) /* bytes of a server's answer */
#define NOTIFY_CONNECT_SECONDS 10
#define NOTIFY_SECONDS	       30 /* by default, for all of it */
#define NOTIFY_SECONDS_MAX     3600

struct notify_options {
	char **urls; /* scheme://host:port that may be posted to */
	char *sendmail, *from, *ca;
	gint seconds;
};

/* @host: name of this machine. */
gboolean notify_mail(const struct notify_options *options, const char *address,
		     const json_t *payload, const char *host, GError **error);
gboolean notify_post(const struct notify_options *options, const char *url, const json_t *payload,
		     GError **error);
gboolean notify_journal(const char *tag, const json_t *payload, GError **error);
