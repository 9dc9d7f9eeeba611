/* A program's settings: one table of keys is the configuration file, the options, `--check` and
 * what the manual is tested against. */
#pragma once

#include <glib.h>
#include <jansson.h>

#define SETTINGS_FILE	  "/etc/cairn/cairn.conf"
#define SETTINGS_FILE_MAX (1 << 20) /* bytes */

enum setting_type {
	SETTING_TEXT,	 /* char * */
	SETTING_LIST,	 /* char **; repeated option; in the file separated by ';' */
	SETTING_WORDS,	 /* the same, ',' separates too, also in the option */
	SETTING_NUMBER,	 /* guint64 */
	SETTING_SECONDS, /* guint64 */
	SETTING_BYTES,	 /* guint64, with K, M, G, T */
	SETTING_SWITCH, /* gboolean; yes or no in the file. The option is --NAME without a value, or
			 * --no-NAME for one that is on by default */
};

struct setting {
	const char *name;
	const char *group; /* section of the file */
	enum setting_type type;
	gsize offset; /* of the value in the program's struct */
	guint64 min, max;
	const char *fallback;
	const char *argument; /* in the help */
	const char *help;
};

struct settings_program {
	const char *name;	     /* in messages */
	const char *summary;	     /* in the help */
	const struct setting *table; /* ended by a NULL name */
	const char *const *others;   /* sections of other programs, passed over; NULL at the end */
};

/* What each program has beside its keys. */
struct settings_common {
	char *file;
	gboolean check, version, verbose;
};

/* The defaults, the default file, the file named by --config, then the options, each over the one
 * before. @object is the program's struct, zeroed. INVALID names the key and the limits; then
 * @object is half filled and still wants settings_clear(). *@argc and *@argv as main() got them. */
gboolean settings_load(const struct settings_program *program, gpointer object,
		       struct settings_common *common, int *argc, char ***argv, GError **error);
/* Frees texts and lists. */
void settings_clear(const struct setting *table, gpointer object);

/* What was understood, one "key = value" a line, as a configuration file; free with g_free(). */
char *settings_text(const struct setting *table, gconstpointer object);
/* The same as an object of strings. */
json_t *settings_view(const struct setting *table, gconstpointer object);
