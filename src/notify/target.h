/* Whom a job's end is told: what `Notify` may hold. Pure, so that cairnd can refuse what
 * cairn-notify would refuse later. */
#pragma once

#include "base/auto.h"

#include <glib.h>

#define NOTIFY_MAX	   1024 /* bytes of a target */
#define NOTIFY_ADDRESS_MAX 254	/* bytes: RFC 5321 section 4.5.3.1.3, without its brackets */
#define NOTIFY_LOCAL_MAX   64	/* bytes before the '@': section 4.5.3.1.1 */
#define NOTIFY_TAG_MAX	   64	/* bytes */

enum notify_kind {
	NOTIFY_MAIL,	/* mailto:ADDRESS, or ADDRESS with an '@' */
	NOTIFY_POST,	/* http://..., https://... */
	NOTIFY_JOURNAL, /* journal:TAG */
};

struct notify_target {
	enum notify_kind kind;
	char *value; /* the address; the URL in our own spelling; the tag */
};
void notify_target_free(struct notify_target *target);
CAIRN_DEFINE_AUTO(notify_target, notify_target_free)

/* @origins: "https://host:443", as http_url_origins() makes them; NULL: no URL is allowed. INVALID
 * says what is wrong with @text, DENIED that the configuration does not allow its URL. */
struct notify_target *notify_target_parse(const char *text, char *const *origins, GError **error);
