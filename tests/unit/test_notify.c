/* Who may be told of a job's end, and which commands a failed job may run. */
#include "base/error.h"
#include "http/url.h"
#include "cairnd/commands.h"
#include "notify/target.h"

static const struct {
	const char *text;
	int kind;
	const char *value; /* NULL: refused with `kind` as code */
} targets[] = {
	{"ops@example.com", NOTIFY_MAIL, "ops@example.com"},
	{"mailto:ops@example.com", NOTIFY_MAIL, "ops@example.com"},
	{"MAILTO:o'neil+x@a-b.example", NOTIFY_MAIL, "o'neil+x@a-b.example"},
	{"mailto:root", NOTIFY_MAIL, "root"},
	{"https://Hooks.example/a?b=c", NOTIFY_POST, "https://hooks.example:443/a?b=c"},
	{"HTTP://127.0.0.1:8080", NOTIFY_POST, "http://127.0.0.1:8080/"},
	{"journal:backup-7.x_y", NOTIFY_JOURNAL, "backup-7.x_y"},
	{"", CAIRN_ERROR_INVALID, NULL},
	{"root", CAIRN_ERROR_INVALID, NULL},
	{"mailto:", CAIRN_ERROR_INVALID, NULL},
	{"@example.com", CAIRN_ERROR_INVALID, NULL},
	{"ops@", CAIRN_ERROR_INVALID, NULL},
	{"ops@@example.com", CAIRN_ERROR_INVALID, NULL},
	{"ops@a@b", CAIRN_ERROR_INVALID, NULL},
	{".ops@example.com", CAIRN_ERROR_INVALID, NULL},
	{"a..b@example.com", CAIRN_ERROR_INVALID, NULL},
	{"ops@example..com", CAIRN_ERROR_INVALID, NULL},
	{"ops@example.com.", CAIRN_ERROR_INVALID, NULL},
	{"-ops@example.com", CAIRN_ERROR_INVALID, NULL},
	{"mailto:-t", CAIRN_ERROR_INVALID, NULL},
	{"ops@example.com,eve@example.com", CAIRN_ERROR_INVALID, NULL},
	{"ops@example.com eve@example.com", CAIRN_ERROR_INVALID, NULL},
	{"ops@example.com\nBcc: eve@example.com", CAIRN_ERROR_INVALID, NULL},
	{"ops@example.com\r\nBcc: eve@example.com", CAIRN_ERROR_INVALID, NULL},
	{"\"ops\"@example.com", CAIRN_ERROR_INVALID, NULL},
	{"<ops@example.com>", CAIRN_ERROR_INVALID, NULL},
	{"\xc3\xa9@example.com", CAIRN_ERROR_INVALID, NULL},
	{"mailto:ops@example.com?bcc=eve@example.com", CAIRN_ERROR_INVALID, NULL},
	{"|/bin/true@example.com", CAIRN_ERROR_INVALID, NULL},
	{"https://other.example/", CAIRN_ERROR_DENIED, NULL},
	{"https://hooks.example:444/", CAIRN_ERROR_DENIED, NULL},
	{"http://hooks.example/", CAIRN_ERROR_DENIED, NULL},
	{"https://hooks.example@other.example/", CAIRN_ERROR_INVALID, NULL},
	{"https://hooks.example/\n", CAIRN_ERROR_INVALID, NULL},
	{"http:", CAIRN_ERROR_INVALID, NULL},
	{"file:///etc/passwd", CAIRN_ERROR_INVALID, NULL},
	{"journal:", CAIRN_ERROR_INVALID, NULL},
	{"journal:a b", CAIRN_ERROR_INVALID, NULL},
	{"journal:a\nPRIORITY=0", CAIRN_ERROR_INVALID, NULL},
};

static void
test_targets(void)
{
	static char *const places[] = {"https://hooks.example", "http://127.0.0.1:8080", NULL};
	g_auto(GStrv) origins = http_url_origins(places, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(targets); i++) {
		g_autoptr(GError) error = NULL;
		cairn_auto(notify_target) target =
			notify_target_parse(targets[i].text, origins, &error);
		g_test_message("%s", targets[i].text);
		if (!targets[i].value) {
			g_assert_null(target);
			g_assert_error(error, CAIRN_ERROR, targets[i].kind);
			continue;
		}
		g_assert_no_error(error);
		g_assert_cmpuint(target->kind, ==, targets[i].kind);
		g_assert_cmpstr(target->value, ==, targets[i].value);
	}
}

static void
test_lengths(void)
{
	g_autofree char *local = g_strnfill(NOTIFY_LOCAL_MAX, 'a');
	g_autofree char *fits = g_strconcat(local, "@b", NULL);
	g_autofree char *longer = g_strconcat("a", fits, NULL);
	g_autofree char *host = g_strnfill(NOTIFY_ADDRESS_MAX - 1, 'b');
	g_autofree char *far = g_strconcat("a@", host, NULL);
	g_autofree char *tag = g_strnfill(NOTIFY_TAG_MAX, 't');
	g_autofree char *journal = g_strconcat("journal:", tag, NULL);
	g_autofree char *over = g_strconcat(journal, "t", NULL);
	const char *good[] = {fits, journal}, *bad[] = {longer, far, over};
	for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
		cairn_auto(notify_target) target = notify_target_parse(good[i], NULL, NULL);
		g_assert_nonnull(target);
	}
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_null(notify_target_parse(bad[i], NULL, NULL));
}

/* ---- commands ---- */

static void
test_commands(void)
{
	static char *const commands[] = {"spare:/bin/spare --now 'a b' $HOME;x",
					 "sparer:/bin/other", NULL};
	static const char *const wanted[] = {"/bin/spare", "--now", "a b", "$HOME;x", NULL};
	g_autoptr(GError) error = NULL;
	g_assert_true(commands_check(commands, NULL));
	g_assert_true(commands_check(NULL, NULL));
	g_auto(GStrv) argv = commands_find(commands, "spare", NULL);
	g_assert_cmpstrv(argv, wanted);
	g_auto(GStrv) other = commands_find(commands, "sparer", NULL);
	g_assert_cmpstr(other[0], ==, "/bin/other");
	g_assert_null(commands_find(commands, "spar", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
	g_assert_null(commands_find(NULL, "spare", NULL));
	g_assert_null(commands_find(commands, "", NULL));
}

static void
test_wrong_commands(void)
{
	static const char *const wrong[] = {"spare",	       "spare:",     ":/bin/spare",
					    "spare:bin/spare", "a b:/bin/a", "spare:'/bin/a",
					    "spare:  ",	       "../x:/bin/a"};
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		char *const commands[] = {(char *)wrong[i], NULL};
		g_autoptr(GError) error = NULL;
		g_test_message("%s", wrong[i]);
		g_assert_false(commands_check(commands, &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/notify/targets", test_targets);
	g_test_add_func("/notify/lengths", test_lengths);
	g_test_add_func("/notify/commands", test_commands);
	g_test_add_func("/notify/wrong-commands", test_wrong_commands);
	return g_test_run();
}
