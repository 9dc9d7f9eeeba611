/* A datetime taken apart; for datetime*.c only. */
#pragma once

#include "cim/datetime.h"

#define CIM_USEC_PER_DAY (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

/* usec of "all zeroes" (a time stamp that is not known) and of "all nines" (never). */
#define CIM_DATETIME_ZEROES G_MININT64
#define CIM_DATETIME_NINES  G_MAXINT64

struct cim_datetime_parts {
	guint year, month, day; /* of an interval: days only */
	guint hour, minute, second, usec;
};

gint64 cim_days_from_date(guint year, guint month, guint day);
/* A time stamp with all digits known; FALSE when there is no such date. */
gboolean cim_datetime_set(const struct cim_datetime_parts *parts, gint16 offset,
			  struct cim_datetime *ret_time);
void cim_datetime_get(const struct cim_datetime *time, struct cim_datetime_parts *ret_parts);
gboolean cim_datetime_is_special(const struct cim_datetime *time);
gboolean cim_datetime_wrong(const char *text, const char *what, GError **error);
