/* See text.h. Nothing is taken for granted: a member that is not there is a line that is not there.
 */
#include "notify/text.h"

#include "base/json.h"

#define ERRORS_MAX 20 /* told one by one */

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static guint64
number_of(const json_t *object, const char *key)
{
	return (guint64)json_integer_value(json_object_get(object, key));
}

static const char *
text_or(const char *text, const char *other)
{
	return text ? text : other;
}

static const char *
outcome_of(const json_t *payload)
{
	const json_t *job = json_object_get(payload, "job");
	const char *state = text_of(job, "state-name");
	if (g_strcmp0(state, "exception") == 0)
		return "failed";
	return text_or(state, "ended");
}

char *
notify_subject(const json_t *payload)
{
	const json_t *job = json_object_get(payload, "job");
	const char *what = text_or(text_of(job, "point-name"), text_of(job, "group-name"));
	return g_strdup_printf("%s %u of %s %s", text_or(text_of(job, "kind"), "job"),
			       (guint)number_of(job, "number"), text_or(what, "?"),
			       outcome_of(payload));
}

/* A line break inside a value would look like a line of ours. */
static char *
one_line(const char *text)
{
	char *copy = g_strdup(text);
	for (char *at = copy; *at; at++)
		if ((guchar)*at < ' ' || *at == 0x7f)
			*at = ' ';
	return copy;
}

static void
add(GString *text, const char *label, const char *value)
{
	if (!value || !*value)
		return;
	g_autofree char *line = one_line(value);
	g_string_append_printf(text, "  %-10s %s\n", label, line);
}

static void
add_job(GString *text, const json_t *job)
{
	static const struct {
		const char *label, *key;
	} lines[] = {
		{"group", "group-name"},   {"point", "point-name"}, {"folder", "directory"},
		{"state", "status"},	   {"note", "note"},	    {"asked by", "owner"},
		{"asked at", "submitted"}, {"began", "started"},    {"ended", "ended"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
		add(text, lines[i].label, text_of(job, lines[i].key));
	if (number_of(job, "done-bytes") == 0)
		return;
	g_autofree char *size =
		g_format_size_full(number_of(job, "done-bytes"), G_FORMAT_SIZE_IEC_UNITS);
	/* GLib's space is one that does not break, and not ASCII. */
	g_auto(GStrv) parts = g_strsplit(size, "\xc2\xa0", -1);
	g_autofree char *simple = g_strjoinv(" ", parts);
	add(text, "copied", simple);
}

static void
add_error(GString *text, const json_t *error)
{
	const char *vm = text_of(error, "vm"), *disk = text_of(error, "disk"),
		   *action = text_of(error, "action");
	g_autofree char *message = one_line(text_or(text_of(error, "message"), "?"));
	g_string_append_printf(text, "\n  %s\n", message);
	if (vm)
		g_string_append_printf(text, "    machine %s%s%s\n", vm, disk ? ", disk " : "",
				       disk ? disk : "");
	if (action)
		g_string_append_printf(text, "    %s\n", action);
}

static void
add_list(GString *text, const char *title, const json_t *list,
	 void (*add_one)(GString *text, const json_t *item))
{
	gsize n = json_array_size(list);
	if (n == 0)
		return;
	g_string_append_printf(text, "\n%s:\n", title);
	for (gsize i = 0; i < MIN(n, ERRORS_MAX); i++)
		add_one(text, json_array_get(list, i));
	if (n > ERRORS_MAX)
		g_string_append_printf(text, "\n  and %u more\n", (guint)(n - ERRORS_MAX));
}

static void
add_warning(GString *text, const json_t *warning)
{
	g_autofree char *line = one_line(text_or(json_string_value(warning), "?"));
	g_string_append_printf(text, "  %s\n", line);
}

char *
notify_text(const json_t *payload, const char *host)
{
	const json_t *job = json_object_get(payload, "job");
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *subject = notify_subject(payload);
	guint64 number = number_of(job, "number");
	g_autofree char *first = one_line(subject);
	g_string_append_printf(text, "On %s: %s.\n\n", host, first);
	add_job(text, job);
	add_list(text, "Errors", json_object_get(payload, "errors"), add_error);
	add_list(text, "Warnings", json_object_get(job, "warnings"), add_warning);
	if (number)
		g_string_append_printf(text,
				       "\nMore is told on that host by\n\n  cairn job show %u\n",
				       (guint)number);
	return g_string_free(g_steal_pointer(&text), FALSE);
}
