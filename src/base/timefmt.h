/* Points in time are gint64 microseconds since 1970 UTC everywhere in the program; spans are
 * microseconds too. This file turns them into text: ISO 8601 for people and JSON, and the
 * 25-character datetime of CIM (DSP0004 section 5.2.4). */
#pragma once

#include <glib.h>

/* "2026-11-21T10:20:30.123456Z"; free with g_free(). */
char *cairn_time_iso(gint64 usec);
/* The reverse (any offset); INVALID when it is not ISO 8601 with a zone. */
gboolean cairn_time_from_iso(const char *text, gint64 *ret_usec, GError **error);

/* CIM timestamp "yyyymmddHHMMSS.mmmmmm+000", always UTC. */
char *cairn_time_cim(gint64 usec);
/* CIM interval "ddddddddHHMMSS.mmmmmm:000"; negative spans read as zero. */
char *cairn_interval_cim(gint64 usec);

#define CAIRN_CIM_TIME_LEN 25 /* characters of both forms */

/* The reverse of both. '*' stands for digits that are not known, whole fields from the right (of
 * the microseconds any number): they are read as the least they can be. A time stamp may have any
 * offset and must have a year. All nines and all zeroes, which schemas give a meaning of their own,
 * are no time stamp. INVALID. */
gboolean cairn_time_from_cim(const char *text, gint64 *ret_usec, GError **error);
gboolean cairn_interval_from_cim(const char *text, gint64 *ret_usec, GError **error);
