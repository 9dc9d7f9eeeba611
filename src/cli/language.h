/* The language of the user, as LANGUAGE, LC_ALL, LC_MESSAGES and LANG say. */
#pragma once

/* Once, before anything is said. */
void cli_set_language(void);
void cli_clear_language(void);

/* A text of the daemon or of a library, in the language of the user where there is a translation.
 * NULL reads NULL. Free with g_free(). */
char *cli_translate(const char *text);
