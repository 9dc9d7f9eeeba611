/* See mail.h. */
#include "notify/mail.h"

#include <string.h>

#define LINE_MAX_TEXT 900 /* bytes; RFC 5322 section 2.1.1 allows 998 */
#define WORD_BYTES    42  /* 56 in base64, 75 characters with its frame: RFC 2047 section 2 */

/* Printable ASCII without quotes and backslashes stays; the rest goes. */
static char *
plain(const char *text, const char *also)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (; *text; text++)
		if (g_ascii_isalnum(*text) || strchr(also, *text))
			g_string_append_c(out, *text);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static gboolean
is_plain(const char *text)
{
	gsize line = 0;
	for (; *text; text++) {
		line = *text == '\n' ? 0 : line + 1;
		if ((*text != '\n' && ((guchar)*text < ' ' || (guchar)*text > '~')) ||
		    line > LINE_MAX_TEXT)
			return FALSE;
	}
	return TRUE;
}

/* Encoded words, each of whole characters, on lines of their own. */
static void
add_words(GString *out, const char *text)
{
	while (*text) {
		gsize len = 0;
		for (const char *at = text; *at; len = (gsize)(at - text)) {
			at = g_utf8_next_char(at);
			if ((gsize)(at - text) > WORD_BYTES)
				break;
		}
		g_autofree char *word = g_base64_encode((const guchar *)text, len);
		text += len;
		g_string_append_printf(out, "=?utf-8?B?%s?=%s", word, *text ? "\n " : "");
	}
}

static void
add_subject(GString *out, const char *subject)
{
	g_autofree char *valid = g_utf8_make_valid(subject, -1);
	for (char *at = valid; *at; at++)
		if ((guchar)*at < ' ' || *at == 0x7f)
			*at = ' ';
	g_string_append(out, "Subject: ");
	/* A text that looks like an encoded word would be decoded. */
	if (is_plain(valid) && !strstr(valid, "=?"))
		g_string_append(out, valid);
	else
		add_words(out, valid);
	g_string_append_c(out, '\n');
}

/* RFC 5322 section 3.3, with English names in every locale. */
static void
add_date(GString *out, gint64 time)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(time / G_USEC_PER_SEC);
	g_autofree char *rest = g_date_time_format(date, "%H:%M:%S %z");
	g_string_append_printf(
		out, "Date: %s, %d %s %d %s\n", days[g_date_time_get_day_of_week(date) - 1],
		g_date_time_get_day_of_month(date), months[g_date_time_get_month(date) - 1],
		g_date_time_get_year(date), rest);
}

static void
add_body(GString *out, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	gboolean ascii = is_plain(valid);
	g_string_append_printf(out,
			       "MIME-Version: 1.0\n"
			       "Content-Type: text/plain; charset=utf-8\n"
			       "Content-Transfer-Encoding: %s\n\n",
			       ascii ? "7bit" : "base64");
	if (ascii) {
		g_string_append(out, valid);
		return;
	}
	gsize len = strlen(valid), n;
	g_autofree char *encoded = g_malloc((len / 3 + 1) * 4 + (len / 54 + 1) + 16);
	int state = 0, save = 0;
	n = g_base64_encode_step((const guchar *)valid, len, TRUE, encoded, &state, &save);
	n += g_base64_encode_close(TRUE, encoded + n, &state, &save);
	g_string_append_len(out, encoded, (gssize)n);
}

char *
mail_message(const struct mail *mail)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *id = plain(mail->id, "-"), *host = plain(mail->host, "-."),
			*name = plain(mail->name, " -."), *to = plain(mail->to, "#&'+-=_~.@"),
			*from = plain(mail->from, "#&'+-=_~.@");
	g_string_append_printf(out, "From: \"%s\" <%s>\nTo: <%s>\n", name, from, to);
	add_subject(out, mail->subject);
	add_date(out, mail->time);
	g_string_append_printf(out, "Message-ID: <%s@%s>\n", id, host);
	/* RFC 3834: nobody's absence note answers it. */
	g_string_append(out, "Auto-Submitted: auto-generated\n");
	add_body(out, mail->text);
	return g_string_free(g_steal_pointer(&out), FALSE);
}
