/* What people are told of a job's end, and that a message has no headers but ours. */
#include "base/json.h"
#include "notify/mail.h"
#include "notify/text.h"

#include <string.h>

static const char full[] =
	"{\"id\":\"E-1\",\"failed\":true,\"job\":{\"number\":12,\"kind\":\"export\",\"group-name\":"
	"\"web\","
	"\"point-name\":\"web@3\",\"directory\":\"/srv/backup\",\"state-name\":\"exception\","
	"\"status\":\"Failed: no space\",\"note\":\"retry 1 of 1 after: x\",\"owner\":\"root\","
	"\"submitted\":\"2026-11-28T02:00:00Z\",\"done-bytes\":3221225472,"
	"\"warnings\":[\"web:vda is exported in full\"]},"
	"\"errors\":[{\"message\":\"no space left\",\"vm\":\"1-2\",\"disk\":\"vda\","
	"\"action\":\"Make room.\"},{\"message\":\"two\\nlines\"}]}";

static const char text[] = "On alpha: export 12 of web@3 failed.\n"
			   "\n"
			   "  group      web\n"
			   "  point      web@3\n"
			   "  folder     /srv/backup\n"
			   "  state      Failed: no space\n"
			   "  note       retry 1 of 1 after: x\n"
			   "  asked by   root\n"
			   "  asked at   2026-11-28T02:00:00Z\n"
			   "  copied     3.0 GiB\n"
			   "\n"
			   "Errors:\n"
			   "\n"
			   "  no space left\n"
			   "    machine 1-2, disk vda\n"
			   "    Make room.\n"
			   "\n"
			   "  two lines\n"
			   "\n"
			   "Warnings:\n"
			   "  web:vda is exported in full\n"
			   "\n"
			   "More is told on that host by\n"
			   "\n"
			   "  cairn job show 12\n";

static void
test_text(void)
{
	g_autoptr(json_t) payload = cairn_json_parse(full, sizeof full - 1, NULL);
	g_autofree char *subject = notify_subject(payload), *told = notify_text(payload, "alpha");
	g_assert_cmpstr(subject, ==, "export 12 of web@3 failed");
	g_assert_cmpstr(told, ==, text);
}

/* Members of a wrong type, or none. */
static void
test_poor(void)
{
	static const char *const poor[] = {
		"{}", "{\"job\":7,\"errors\":{}}",
		"{\"job\":{\"number\":\"x\",\"warnings\":[7],\"kind\":[]},\"errors\":[7,{}]}"};
	for (guint i = 0; i < G_N_ELEMENTS(poor); i++) {
		g_autoptr(json_t) payload = cairn_json_parse(poor[i], strlen(poor[i]), NULL);
		g_autofree char *subject = notify_subject(payload),
				*told = notify_text(payload, "alpha");
		g_assert_cmpstr(subject, ==, "job 0 of ? ended");
		g_assert_true(g_str_has_prefix(told, "On alpha: job 0 of ? ended.\n"));
	}
}

/* ---- mail ---- */

static char *
message(const char *subject, const char *body, const char *odd)
{
	struct mail mail = {
		.to = "ops@example.com",
		.from = odd ? odd : "root@alpha",
		.name = odd ? odd : "cairn on alpha",
		.subject = subject,
		.id = odd ? odd : "E-1",
		.host = odd ? odd : "alpha.example",
		.text = body,
		.time = 1764331200ll * G_USEC_PER_SEC,
	};
	return mail_message(&mail);
}

static void
test_mail(void)
{
	g_setenv("TZ", "UTC", TRUE);
	g_autofree char *plain = message("it failed", "one\n.\ntwo\n", NULL);
	g_assert_cmpstr(plain, ==,
			"From: \"cairn on alpha\" <root@alpha>\n"
			"To: <ops@example.com>\n"
			"Subject: it failed\n"
			"Date: Fri, 28 Nov 2025 12:00:00 +0000\n"
			"Message-ID: <E-1@alpha.example>\n"
			"Auto-Submitted: auto-generated\n"
			"MIME-Version: 1.0\n"
			"Content-Type: text/plain; charset=utf-8\n"
			"Content-Transfer-Encoding: 7bit\n"
			"\n"
			"one\n.\ntwo\n");
}

/* Lines before the empty one: each must be ours, or the continuation of one. */
static void
check_headers(const char *mail)
{
	static const char *const ours[] = {"From: ",
					   "To: ",
					   "Subject: ",
					   "Date: ",
					   "Message-ID: ",
					   "Auto-Submitted: ",
					   "MIME-Version: ",
					   "Content-Type: ",
					   "Content-Transfer-Encoding: ",
					   NULL};
	g_auto(GStrv) lines = g_strsplit(mail, "\n", -1);
	guint n = 0;
	for (guint i = 0; *lines[i]; i++) {
		gboolean known = FALSE;
		g_assert_cmpuint(strlen(lines[i]), <, 998);
		if (lines[i][0] == ' ')
			continue;
		known = g_str_has_prefix(lines[i], ours[n]);
		if (!known)
			g_error("not ours: %s", lines[i]);
		n++;
	}
	g_assert_null(ours[n]);
}

static void
test_injection(void)
{
	static const char *const odd[] = {"x\nBcc: eve@example.com",
					  "x\r\nBcc: eve@example.com\r\n\r\nbody",
					  "\"x\" <eve@example.com>, y",
					  "=?utf-8?B?QmNjOg==?=",
					  "\xff\xfe",
					  "",
					  "a\xe2\x80\xa8"
					  "b\xc2\x85"
					  "c"};
	for (guint i = 0; i < G_N_ELEMENTS(odd); i++) {
		g_autofree char *one = message(odd[i], odd[i], NULL);
		g_autofree char *two = message("s", "t", odd[i]);
		check_headers(one);
		check_headers(two);
		g_assert_null(strstr(two, "\nBcc:"));
	}
}

static void
test_subject(void)
{
	g_autoptr(GString) subject = g_string_new(NULL);
	for (guint i = 0; i < 60; i++)
		g_string_append(subject, "h\xc3\xa9\xe4\xb8\xad");
	g_autofree char *mail = message(subject->str, "t", NULL);
	check_headers(mail);
	/* Put together again: RFC 2047 drops the space between two words. */
	g_autoptr(GString) back = g_string_new(NULL);
	const char *at = strstr(mail, "Subject: ") + 9;
	while (g_str_has_prefix(at, "=?utf-8?B?")) {
		const char *end = strstr(at + 10, "?=");
		gsize len;
		g_autofree char *word = g_strndup(at + 10, (gsize)(end - at - 10));
		g_assert_cmpuint((gsize)(end + 2 - at), <=, 75);
		g_autofree guchar *bytes = g_base64_decode(word, &len);
		g_assert_true(g_utf8_validate((char *)bytes, (gssize)len, NULL));
		g_string_append_len(back, (char *)bytes, (gssize)len);
		at = end + 2 + (g_str_has_prefix(end + 2, "\n ") ? 2 : 0);
	}
	g_assert_cmpstr(back->str, ==, subject->str);
}

static void
test_body(void)
{
	g_autofree char *longer = g_strnfill(5000, 'x');
	const char *bodies[] = {"h\xc3\xa9\n", longer, "a\r\nb", ""};
	for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
		g_autofree char *mail = message("s", bodies[i], NULL);
		const char *body = strstr(mail, "\n\n") + 2;
		gsize len;
		g_autofree char *back = (char *)g_base64_decode(body, &len);
		if (*bodies[i])
			g_assert_nonnull(strstr(mail, "Encoding: base64"));
		g_assert_cmpmem(back, len, bodies[i], strlen(bodies[i]));
		for (gsize at = 0; body[at]; at += strcspn(body + at, "\n") + 1)
			g_assert_cmpuint(strcspn(body + at, "\n"), <=, 76);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/notify/text", test_text);
	g_test_add_func("/notify/text/poor", test_poor);
	g_test_add_func("/notify/mail", test_mail);
	g_test_add_func("/notify/mail/injection", test_injection);
	g_test_add_func("/notify/mail/subject", test_subject);
	g_test_add_func("/notify/mail/body", test_body);
	return g_test_run();
}
