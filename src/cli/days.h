/* Days and months as people write them, for schedules. Errors are INVALID and name the word. */
#pragma once

#include <glib.h>

/* "mon-fri,sun" or "nov-feb,jul": the words of the list, in the order of the week or year and each
 * once; a range may go over its end. "" or "all": none, which is any. Free with g_strfreev(). */
char **days_weekdays(const char *text, GError **error);
char **days_months(const char *text, GError **error);
/* "fri" or "+fri" 6, "-fri" -6: CIM_Job.RunDayOfWeek, 1 Sunday; "any" 0. */
gboolean days_of_week(const char *text, gint64 *ret_day, GError **error);
/* "1" to "31", "-1" (the last) to "-31"; "any" 0: CIM_Job.RunDay. */
gboolean days_of_month(const char *text, gint64 *ret_day, GError **error);
