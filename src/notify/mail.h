/* A mail message as sendmail -t reads it (RFC 5322, RFC 2045, RFC 2047). Pure. */
#pragma once

#include <glib.h>

struct mail {
	const char *to;	  /* one address, as notify_target_parse() accepts it */
	const char *from; /* the same */
	const char *name; /* of the sender, for people */
	const char *subject;
	const char *id; /* left half of the Message-ID: letters, digits, '-' */
	const char *host;
	const char *text;
	gint64 time; /* microseconds since 1970 */
};

/* Lines end in "\n", as local programs write them. Whatever the parts hold, there are no headers
 * but ours. Free with g_free(). */
char *mail_message(const struct mail *mail);
