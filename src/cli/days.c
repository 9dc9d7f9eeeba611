/* See days.h. */
#include "cli/days.h"

#include "base/error.h"

#include <glib/gi18n.h>
#include <string.h>

static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
				     "aug", "sep", "oct", "nov", "dec", NULL};

static gboolean
find_word(const char *const *words, const char *text, guint *ret_index, GError **error)
{
	for (guint i = 0; words[i]; i++)
		if (g_ascii_strcasecmp(words[i], text) == 0) {
			*ret_index = i;
			return TRUE;
		}
	g_autofree char *list = g_strjoinv(", ", (char **)words);
	return cairn_fail(error, CAIRN_ERROR_INVALID, _("\"%s\" is none of %s"), text, list);
}

/* "mon", or "fri-mon": the bits of the words from the first to the last. */
static gboolean
read_range(const char *const *words, const char *text, guint *bits, GError **error)
{
	g_auto(GStrv) ends = g_strsplit(text, "-", 2);
	guint from, to, count = g_strv_length((char **)words);
	if (!find_word(words, ends[0] ? ends[0] : "", &from, error) ||
	    !find_word(words, ends[0] && ends[1] ? ends[1] : words[from], &to, error))
		return FALSE;
	for (guint i = from;; i = (i + 1) % count) {
		*bits |= 1u << i;
		if (i == to)
			return TRUE;
	}
}

static char **
read_list(const char *const *words, const char *text, GError **error)
{
	guint bits = 0;
	gboolean any = !*text || strcmp(text, "all") == 0;
	g_auto(GStrv) parts = g_strsplit(any ? "" : text, ",", -1);
	for (char **part = parts; *part; part++)
		if (!read_range(words, g_strstrip(*part), &bits, error))
			return NULL;
	g_autoptr(GStrvBuilder) list = g_strv_builder_new();
	for (guint i = 0; words[i]; i++)
		if (bits & 1u << i)
			g_strv_builder_add(list, words[i]);
	return g_strv_builder_end(list);
}

char **
days_weekdays(const char *text, GError **error)
{
	return read_list(weekdays, text, error);
}

char **
days_months(const char *text, GError **error)
{
	return read_list(months, text, error);
}

gboolean
days_of_week(const char *text, gint64 *ret_day, GError **error)
{
	gboolean minus = *text == '-';
	guint index = 0;
	if (strcmp(text, "any") == 0) {
		*ret_day = 0;
		return TRUE;
	}
	if (!find_word(weekdays, text + (minus || *text == '+'), &index, error))
		return FALSE;
	*ret_day = minus ? -(gint64)index - 1 : (gint64)index + 1;
	return TRUE;
}

gboolean
days_of_month(const char *text, gint64 *ret_day, GError **error)
{
	gint64 day = 0;
	if (strcmp(text, "any") != 0 &&
	    (!g_ascii_string_to_signed(text, 10, -31, 31, &day, NULL) || day == 0))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  _("\"%s\" is not a day of the month: 1 to 31, or -1 for the "
				    "last one, to -31"),
				  text);
	*ret_day = day;
	return TRUE;
}
