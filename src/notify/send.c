/* Mail by way of the local sendmail, and the journal. */
#include "notify/send.h"

#include "base/error.h"
#include "base/json.h"
#include "notify/mail.h"
#include "notify/text.h"

#include <gio/gio.h>
#include <pwd.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

/* Made once for this kind of message, as journald's catalogue wants it. */
#define MESSAGE_ID "6942daba69e3402ea1ac024495111d0d"

/* ---- mail ---- */

static char *
own_address(const char *host)
{
	const struct passwd *user = getpwuid(geteuid());
	return g_strdup_printf("%s@%s", user ? user->pw_name : "root", host);
}

/* -t: the recipient is read from the header, so that no address is an argument; -i: a line with a
 * dot alone does not end the message. */
static gboolean
run_sendmail(const char *program, const char *message, GError **error)
{
	const char *const argv[] = {program, "-t", "-i", NULL};
	g_autoptr(GError) why = NULL;
	g_autoptr(GSubprocess) child = g_subprocess_newv(
		argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &why);
	if (!child)
		return cairn_fail(error, CAIRN_ERROR_NOT_FOUND, "cannot start \"%s\": %s", program,
				  why->message);
	g_autoptr(GBytes) bytes = g_bytes_new_static(message, strlen(message));
	/* One that ends without reading all may have done so with success. */
	g_subprocess_communicate(child, bytes, NULL, NULL, NULL, NULL);
	if (!g_subprocess_wait_check(child, NULL, &why))
		return cairn_fail(error, CAIRN_ERROR_PEER, "\"%s\" failed: %s", program,
				  why->message);
	return TRUE;
}

gboolean
notify_mail(const struct notify_options *options, const char *address, const json_t *payload,
	    const char *host, GError **error)
{
	g_autofree char *own = own_address(host), *subject = notify_subject(payload),
			*titled = g_strdup_printf("[%s] cairn: %s", host, subject),
			*text = notify_text(payload, host),
			*name = g_strdup_printf("cairn on %s", host);
	const char *id = json_string_value(json_object_get(payload, "id"));
	struct mail mail = {
		.to = address,
		.from = options->from && *options->from ? options->from : own,
		.name = name,
		.subject = titled,
		.id = id ? id : "0",
		.host = host,
		.text = text,
		.time = g_get_real_time(),
	};
	g_autofree char *message = mail_message(&mail);
	return run_sendmail(options->sendmail, message, error);
}

/* ---- the journal ---- */

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static char *
one_message(const json_t *payload)
{
	const json_t *first = json_array_get(json_object_get(payload, "errors"), 0);
	g_autofree char *subject = notify_subject(payload);
	return first ? g_strdup_printf("%s: %s", subject, text_of(first, "message"))
		     : g_steal_pointer(&subject);
}

gboolean
notify_journal(const char *tag, const json_t *payload, GError **error)
{
	const json_t *job = json_object_get(payload, "job");
	gboolean bad = json_is_true(json_object_get(payload, "failed"));
	g_autofree char *message = one_message(payload);
	int number = (int)json_integer_value(json_object_get(job, "number"));
	int result = sd_journal_send("MESSAGE=%s", message, "MESSAGE_ID=" MESSAGE_ID, "PRIORITY=%i",
				     bad ? LOG_ERR : LOG_NOTICE, "SYSLOG_IDENTIFIER=%s", tag,
				     "CAIRN_JOB=%s", text_of(job, "id"), "CAIRN_JOB_NUMBER=%i",
				     number, "CAIRN_GROUP=%s", text_of(job, "group-name"),
				     "CAIRN_POINT=%s", text_of(job, "point-name"), "CAIRN_STATE=%s",
				     text_of(job, "state-name"), NULL);
	if (result == 0)
		return TRUE;
	cairn_set_errno(error, -result, "cannot write to the journal");
	return FALSE;
}
