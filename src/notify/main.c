/* cairn-notify: tells one person or program that a job has ended: the object that cairnd gives on
 * standard input, to the target that is its argument. One try; cairnd decides about others. */
#include "base/error.h"
#include "base/json.h"
#include "http/url.h"
#include "notify/send.h"
#include "notify/target.h"

#include <errno.h>
#include <grp.h>
#include <locale.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define NOBODY 65534

static struct notify_options options = {.seconds = NOTIFY_SECONDS};
static char **rest;
static gboolean version;

static GOptionEntry entries[] = {
	{"url", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.urls,
	 "may be posted to; may be given again", "SCHEME://HOST:PORT"},
	{"sendmail", 0, 0, G_OPTION_ARG_FILENAME, &options.sendmail, "default /usr/sbin/sendmail",
	 "FILE"},
	{"from", 0, 0, G_OPTION_ARG_STRING, &options.from, "sender; default: the user", "ADDRESS"},
	{"ca", 0, 0, G_OPTION_ARG_FILENAME, &options.ca, "trusted certificates", "FILE"},
	{"timeout", 0, 0, G_OPTION_ARG_INT, &options.seconds, "for a POST; default 30", "SECONDS"},
	{"version", 0, 0, G_OPTION_ARG_NONE, &version, "print the version", NULL},
	{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &rest, NULL, NULL},
	G_OPTION_ENTRY_NULL,
};

static json_t *
read_payload(GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char chunk[16384];
	ssize_t n = 0;
	while (text->len <= NOTIFY_PAYLOAD_MAX &&
	       ((n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)))
		g_string_append_len(text, chunk, MAX(n, 0));
	if (n < 0) {
		cairn_set_errno(error, errno, "cannot read standard input");
		return NULL;
	}
	if (text->len > NOTIFY_PAYLOAD_MAX) {
		cairn_fail(error, CAIRN_ERROR_LIMIT, "more than %d bytes to be told",
			   NOTIFY_PAYLOAD_MAX);
		return NULL;
	}
	return cairn_json_parse(text->str, text->len, error);
}

/* What talks to the network, or needs no right, has none. */
static gboolean
drop_rights(GError **error)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) < 0)) {
		cairn_set_errno(error, errno, "cannot become nobody");
		return FALSE;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return TRUE;
}

static gboolean
tell(const struct notify_target *target, json_t *payload, GError **error)
{
	struct utsname name = {0};
	uname(&name);
	cairn_json_set_string(payload, "host", name.nodename);
	switch (target->kind) {
	case NOTIFY_MAIL:
		return notify_mail(&options, target->value, payload, name.nodename, error);
	case NOTIFY_POST:
		return drop_rights(error) && notify_post(&options, target->value, payload, error);
	case NOTIFY_JOURNAL:
		return drop_rights(error) && notify_journal(target->value, payload, error);
	}
	g_assert_not_reached();
}

static struct notify_target *
parse_target(GError **error)
{
	g_auto(GStrv) origins = http_url_origins(options.urls, error);
	if (!origins)
		return NULL;
	if (!rest || !rest[0] || rest[1]) {
		cairn_fail(error, CAIRN_ERROR_INVALID, "one TARGET is wanted");
		return NULL;
	}
	if (options.seconds < 1 || options.seconds > NOTIFY_SECONDS_MAX) {
		cairn_fail(error, CAIRN_ERROR_INVALID, "the timeout is from 1 to %d seconds",
			   NOTIFY_SECONDS_MAX);
		return NULL;
	}
	if (!options.sendmail)
		options.sendmail = g_strdup("/usr/sbin/sendmail");
	return notify_target_parse(rest[0], origins, error);
}

static int
fail(const GError *error, int status)
{
	fprintf(stderr, "cairn-notify: %s\n", error->message);
	return status;
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	setlocale(LC_CTYPE, ""); /* arguments and help are in the user's characters */
	g_autoptr(GOptionContext) context =
		g_option_context_new("TARGET - tells of the end of a job");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		return fail(error, EXIT_USAGE);
	if (version) {
		printf("cairn-notify %s\n", CAIRN_VERSION);
		return EXIT_OK;
	}
	cairn_auto(notify_target) target = parse_target(&error);
	if (!target)
		return fail(error, EXIT_USAGE);
	g_autoptr(json_t) payload = read_payload(&error);
	if (!payload || !tell(target, payload, &error))
		return fail(error, EXIT_FAILED);
	return EXIT_OK;
}
