/* An errand: something owed to the outside after a job's end, a person to be told or a command to
 * be run. Stored in the transaction that ends the job, done as soon as possible and at least once,
 * tried again a few times, then dropped. It never delays or fails a job. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define ERRAND_TRIES 5 /* over about an hour */
/* Between two of them no wait is longer. */
#define ERRAND_WAIT_MAX (3600ll * G_USEC_PER_SEC)

enum errand_type {
	ERRAND_NOTIFY,	/* `target` as in notify/target.h */
	ERRAND_COMMAND, /* `target` names one of cairn.conf */
	ERRAND_LAST,
};
const char *errand_type_name(enum errand_type type);

struct errand {
	char *id; /* GUID, of this errand */
	enum errand_type type;
	char *target;
	char *job; /* GUID */
	guint64 job_number;
	json_t *payload; /* what they are told; see cairn-notify(8) */
	gint64 created;	 /* microseconds since 1970 */
	guint64 tries;
	gint64 next;	  /* not before; microseconds since 1970 */
	gboolean running; /* not stored */
};

/* Takes @payload over. */
struct errand *errand_new(enum errand_type type, const char *target, json_t *payload);
void errand_free(struct errand *errand);
CAIRN_DEFINE_AUTO(errand, errand_free)
json_t *errand_to_json(const struct errand *errand);
struct errand *errand_from_json(const json_t *json, GError **error);

/* One more try has failed at @now: when is the next? FALSE: never. */
gboolean errand_failed(struct errand *errand, gint64 now);
