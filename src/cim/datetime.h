/* CIM datetime (DSP0004 5.2.4): 25 characters, a time stamp or an interval; and the forms in which
 * WS-Management carries it (DSP0230 6.2: xs:dateTime, xs:duration). */
#pragma once

#include <glib.h>

#define CIM_DATETIME_LEN 25 /* characters, without the NUL */

struct cim_datetime {
	gboolean is_interval;
	gint64 usec;   /* since 1970 UTC, or the length; where digits are known */
	gint16 offset; /* minutes east of UTC; 0 of an interval */
	guint8 known;  /* leading digits that are not '*', of 20 (8 + 6 + 6) */
};

/* INVALID names the text and what is wrong with it. */
gboolean cim_datetime_parse(const char *text, struct cim_datetime *ret_time, GError **error);
/* @buffer holds CIM_DATETIME_LEN + 1 bytes. Values out of range of the form are our own mistake. */
void cim_datetime_print(const struct cim_datetime *time, char *buffer);
/* xs:dateTime ("2010-07-14T11:35:11.900675+02:00") or xs:duration ("P1DT2H3M4S", "PT60.000S") to
 * the CIM form; also accepts the CIM form itself. */
gboolean cim_datetime_from_xs(const char *text, struct cim_datetime *ret_time, GError **error);
/* The xs form, or NULL when the value has '*' or cannot be said so (an interval with a fraction of
 * a second, a time that means "never"): write the 25 characters then. Free with g_free(). */
char *cim_datetime_to_xs(const struct cim_datetime *time);
/* -1, 0, 1; only for two of the same kind. */
int cim_datetime_compare(const struct cim_datetime *a, const struct cim_datetime *b);
