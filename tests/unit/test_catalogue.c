/* Patterns taken out of finished texts, and catalogues as msgfmt writes them. */
#include "base/catalogue.h"

#include "base/error.h"
#include "base/pattern.h"

#include <string.h>

/* ---- patterns ---- */

static void
test_pattern(void)
{
	static const struct {
		const char *format, *translation, *text, *want; /* NULL: does not match */
	} cases[] = {
		{"there is no group \"%s\"", "aucun groupe \"%s\"", "there is no group \"web\"",
		 "aucun groupe \"web\""},
		{"there is no group \"%s\"", "-", "there is no point \"web\"", NULL},
		{"there is no group \"%s\"", "-", "there is no group \"web\" here", NULL},
		{"there is no group \"%s\"", "<%s>", "there is no group \"a\"b\"", "<a\"b>"},
		{"there is no group \"%s\"", "<%s>", "there is no group \"\"", "<>"},
		{"%u of %s", "%2$s: %1$u", "12 of web", "web: 12"},
		{"%u of %s", "-", "twelve of web", NULL},
		{"%u of %s", "-", "of web", NULL},
		{"at most %llu", "%llu au plus", "at most 18446744073709551615",
		 "18446744073709551615 au plus"},
		{"at most %d", "%d", "at most -5", "-5"},
		{"at most %d", "%d", "at most 5 ", NULL},
		{"at most %d", "%d", "at most -", NULL},
		{"%u %% done", "%u %% faits", "7 % done", "7 % faits"},
		{"%s in \"%s\"", "%s|%s", "a in b in \"c\"", "a in b|c"},
		{"role %s%s, which", "(%s%s)", "role administrator on it, which",
		 "(administrator on it)"},
		{"%s", "<%s>", "", "<>"},
		{"plain", "simple", "plain", "simple"},
		{"plain", "simple", "plainer", NULL},
	};
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct pattern_argument arguments[PATTERN_ARGUMENTS_MAX];
		cairn_auto(pattern) from = pattern_new(cases[i].format);
		cairn_auto(pattern) to = pattern_new(cases[i].translation);
		g_test_message("%s: %s", cases[i].format, cases[i].text);
		g_assert_true(pattern_fits(from, to));
		g_assert_cmpint(pattern_match(from, cases[i].text, arguments), ==,
				cases[i].want != NULL);
		g_autofree char *got = cases[i].want ? pattern_print(to, arguments) : NULL;
		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

static void
test_pattern_refused(void)
{
	static const char *const formats[] = {
		"%8s", "%.3f", "%.*s", "%c", "%", "%l", "%ls", "%9$s", "%s%s%s%s%s%s%s%s%s", "%0$s",
	};
	for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
		g_test_message("%s", formats[i]);
		g_assert_null(pattern_new(formats[i]));
	}
}

static void
test_pattern_fits(void)
{
	cairn_auto(pattern) from = pattern_new("%u of %s");
	cairn_auto(pattern) swapped = pattern_new("%s: %u");
	cairn_auto(pattern) more = pattern_new("%u %s %s");
	cairn_auto(pattern) fewer = pattern_new("%u");
	g_assert_false(pattern_fits(from, swapped));
	g_assert_false(pattern_fits(from, more));
	g_assert_true(pattern_fits(from, fewer));
	g_assert_cmpuint(pattern_letters(from), ==, 2);
}

/* A text made to be hard: every literal is found again and again. */
static void
test_pattern_time(void)
{
	struct pattern_argument arguments[PATTERN_ARGUMENTS_MAX];
	cairn_auto(pattern) pattern = pattern_new("%sa%sa%sa%sa%sa%sa%sab%s!");
	g_autofree char *text = g_strnfill(1 << 20, 'a');
	gint64 begin = g_get_monotonic_time();
	g_assert_false(pattern_match(pattern, text, arguments));
	g_assert_cmpint(g_get_monotonic_time() - begin, <, 5 * G_USEC_PER_SEC);
}

/* ---- catalogues ---- */

static const char *const messages[][2] = {
	{"", "Language: fr\n"},
	{"%s: %s", "%s : %s"},
	{"cannot create \"%s\"", "impossible de créer \"%s\""},
	{"machine \"%s\" is busy: %s", "la machine \"%s\" est occupée : %s"},
	{"it is being saved", "on l'enregistre"},
	{"No such file or directory", "aucun fichier de ce nom"},
	{"parameter \"%s\": ", "paramètre \"%s\" : "},
	{"job %llu of group \"%s\" has not ended",
	 "la tâche %llu du groupe \"%s\" n'est pas finie"},
	{"\"%s\" is there", "\"%s\" est là"},
	{"\"%s\" is there already", "\"%s\" est déjà là"},
	{"%u pieces", "%s pièces"}, /* does not fit: not used */
	{"one\004context", "contexte"},
};

static void
put(GString *out, guint32 value, gboolean swapped)
{
	value = swapped ? GUINT32_SWAP_LE_BE(value) : value;
	g_string_append_len(out, (const char *)&value, sizeof(value));
}

static GString *
make_mo(gboolean swapped)
{
	enum { COUNT = G_N_ELEMENTS(messages), HEADER = 28 };
	GString *out = g_string_new(NULL);
	g_autoptr(GString) texts = g_string_new(NULL);
	const guint32 head[] = {0x950412de, 0, COUNT, HEADER, HEADER + COUNT * 8, 0, 0};
	for (guint i = 0; i < G_N_ELEMENTS(head); i++)
		put(out, head[i], swapped);
	for (guint column = 0; column < 2; column++) {
		for (guint i = 0; i < COUNT; i++) {
			gsize len = strlen(messages[i][column]);
			put(out, (guint32)len, swapped);
			put(out, (guint32)(HEADER + COUNT * 16 + texts->len), swapped);
			g_string_append_len(texts, messages[i][column], (gssize)len + 1);
		}
	}
	g_string_append_len(out, texts->str, (gssize)texts->len);
	return out;
}

static void
test_catalogue(void)
{
	static const char *const cases[][2] = {
		{"it is being saved", "on l'enregistre"},
		{"cannot create \"/x\"", "impossible de créer \"/x\""},
		{"cannot create \"/x\": No such file or directory",
		 "impossible de créer \"/x\" : aucun fichier de ce nom"},
		{"cannot create \"/a: b\": No such file or directory",
		 "impossible de créer \"/a: b\" : aucun fichier de ce nom"},
		{"cannot create \"/x\": something else",
		 "impossible de créer \"/x\" : something else"},
		{"vm:vda: it is being saved", "vm:vda : on l'enregistre"},
		{"machine \"db\" is busy: it is being saved",
		 "la machine \"db\" est occupée : on l'enregistre"},
		{"machine \"it is being saved\" is busy: why",
		 "la machine \"it is being saved\" est occupée : why"},
		{"parameter \"Job\": it is being saved", "paramètre \"Job\" : on l'enregistre"},
		{"job 7 of group \"web\" has not ended",
		 "la tâche 7 du groupe \"web\" n'est pas finie"},
		{"job x of group \"web\" has not ended", NULL},
		{"\"a\" is there", "\"a\" est là"},
		{"\"a\" is there already", "\"a\" est déjà là"},
		{"3 pieces", NULL},
		{"one", NULL},
		{"context", NULL},
		{"", NULL},
		{"nothing of ours", NULL},
		{"a: b: c: d: e: f: g", NULL},
	};
	for (guint swapped = 0; swapped < 2; swapped++) {
		g_autoptr(GString) mo = make_mo(swapped);
		g_autoptr(GError) error = NULL;
		cairn_auto(catalogue) catalogue = catalogue_parse(mo->str, mo->len, &error);
		g_assert_no_error(error);
		for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
			g_autofree char *got = catalogue_translate(catalogue, cases[i][0]);
			g_assert_cmpstr(got, ==, cases[i][1]);
		}
		g_autofree char *longer = g_strnfill(1 << 16, ':');
		g_assert_null(catalogue_translate(catalogue, longer));
	}
}

/* Cut off anywhere, and with every byte of its tables turned around: no catalogue, or a smaller
 * one. */
static void
test_catalogue_broken(void)
{
	g_autoptr(GString) mo = make_mo(FALSE);
	for (gsize len = 0; len < mo->len; len++) {
		g_autofree char *cut = g_memdup2(mo->str, len);
		catalogue_free(catalogue_parse(cut, len, NULL));
	}
	for (gsize i = 0; i < 28 + 16 * G_N_ELEMENTS(messages); i++) {
		g_autofree char *copy = g_memdup2(mo->str, mo->len);
		copy[i] = (char)~copy[i];
		catalogue_free(catalogue_parse(copy, mo->len, NULL));
	}
	g_autoptr(GError) error = NULL;
	g_assert_null(catalogue_parse("not a catalogue, and longer than a header", 42, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pattern/match", test_pattern);
	g_test_add_func("/pattern/refused", test_pattern_refused);
	g_test_add_func("/pattern/fits", test_pattern_fits);
	g_test_add_func("/pattern/time", test_pattern_time);
	g_test_add_func("/catalogue/translate", test_catalogue);
	g_test_add_func("/catalogue/broken", test_catalogue_broken);
	return g_test_run();
}
