/* core: the catalogue of errors: each row is found again, prefixes and unknown texts; how a job is,
 * against a table by hand. */
#include "base/json.h"
#include "core/job_cim.h"
#include "core/job_status.h"
#include "core/messages.h"

#include <string.h>

/* ---- rows ---- */

/* @pattern with "1", "2", ... in the place of its arguments. */
static char *
print_pattern(const char *pattern, guint *ret_n)
{
	GString *text = g_string_new(NULL);
	guint n = 0;
	for (const char *at = pattern; *at; at++) {
		if (*at != '%') {
			g_string_append_c(text, *at);
			continue;
		}
		at++;
		while (strchr("lz", *at))
			at++;
		g_string_append_printf(text, "%u", ++n);
	}
	*ret_n = n;
	return g_string_free(text, FALSE);
}

static void
check_found(const struct message_row *row, const char *prefix)
{
	guint n;
	g_auto(GStrv) arguments = NULL;
	g_autofree char *own = print_pattern(row->pattern, &n);
	g_autofree char *text =
		g_strconcat(prefix, own, row->is_file ? ": No such file" : "", NULL);
	const struct message_row *found = message_find((int)row->code, text, &arguments);
	if (found != row)
		g_error("CAIRN%04u is found as CAIRN%04u: %s", row->number, found->number, text);
	g_assert_cmpuint(g_strv_length(arguments), ==, n + (row->is_file ? 1 : 0));
	if (n > 0 && !strstr(row->pattern, "%s%s"))
		g_assert_cmpstr(arguments[0], ==, "1");
}

static void
test_rows(void)
{
	guint n;
	const struct message_row *rows = message_rows(&n);
	g_assert_cmpuint(n, >, 60);
	for (guint i = 0; i < n; i++) {
		const struct message_remedy *remedy = message_remedy(&rows[i], (int)rows[i].code);
		g_assert_cmpuint(rows[i].number, <, 10000);
		g_assert_true(i == 0 || rows[i].number > rows[i - 1].number);
		g_assert_nonnull(remedy->cause_text);
		g_assert_nonnull(remedy->actions[0]);
		g_assert_null(remedy->actions[MESSAGE_ACTIONS_MAX]);
		g_assert_true(remedy->type >= 1 && remedy->type <= 10);
		g_assert_true(remedy->severity >= 2 && remedy->severity <= 7);
		if (!rows[i].pattern)
			continue;
		check_found(&rows[i], "");
		check_found(&rows[i], "db:vda: ");
	}
}

static void
test_fallbacks(void)
{
	for (int code = 0; code < CAIRN_ERROR_LAST; code++) {
		g_auto(GStrv) arguments = NULL;
		char id[MESSAGE_ID_LEN + 1], want[MESSAGE_ID_LEN + 1];
		const struct message_row *row = message_find(code, "what nobody knows", &arguments);
		g_assert_cmpint((int)row->code, ==, code);
		g_assert_cmpuint(g_strv_length(arguments), ==, 0);
		message_id(row, id);
		g_snprintf(want, sizeof(want), "CAIRN%04d", code + 1);
		g_assert_cmpstr(id, ==, want);
	}
	g_auto(GStrv) arguments = NULL;
	g_assert_cmpuint(message_find(CAIRN_ERROR_LAST, "?", &arguments)->number, ==, 9);
}

/* A file's error has the class of what the system said. */
static void
test_file_codes(void)
{
	g_auto(GStrv) arguments = NULL;
	const struct message_row *row = message_find(
		CAIRN_ERROR_LIMIT, "cannot write \"/b\": No space left on device", &arguments);
	g_assert_cmpuint(row->number, ==, 415);
	g_assert_cmpstr(arguments[0], ==, "/b");
	g_assert_cmpstr(arguments[1], ==, "No space left on device");
	g_assert_cmpint(message_remedy(row, CAIRN_ERROR_LIMIT)->cause, ==, 50);
	g_assert_cmpint(message_remedy(row, CAIRN_ERROR_DENIED)->cause, ==, 65);
	g_assert_cmpint(message_remedy(row, CAIRN_ERROR_IO)->cause, ==, 24);
}

/* ---- job-errors ---- */

static void
add_error(struct job *job, int code, const char *text, const char *vm, const char *disk)
{
	g_autoptr(GError) error = g_error_new_literal(CAIRN_ERROR, code, text);
	job_add_error(job, error, vm, disk);
}

static const char *
text_of(const json_t *errors, guint index, const char *key)
{
	return json_string_value(json_object_get(json_array_get(errors, index), key));
}

static void
test_view(void)
{
	cairn_auto(job) job = job_new("JOB", JOB_EXPORT);
	add_error(job, CAIRN_ERROR_PEER, "db:vda: the NBD server does not offer \"vda\"", "VM",
		  "vda");
	add_error(job, CAIRN_ERROR_PEER, "\"qemu:///system\" is not connected", "VM", NULL);
	add_error(job, CAIRN_ERROR_CANCELLED, "killed on request", NULL, NULL);
	g_autoptr(json_t) errors = job_errors_view(job);
	g_assert_cmpuint(json_array_size(errors), ==, 3);
	g_assert_cmpstr(text_of(errors, 0, "message-id"), ==, "CAIRN0507");
	g_assert_cmpstr(text_of(errors, 0, "source"), ==, "Cairn:VM\\vda");
	g_assert_cmpstr(text_of(errors, 1, "message-id"), ==, "CAIRN0208");
	g_assert_cmpstr(text_of(errors, 1, "source"), ==, "VM");
	g_assert_cmpstr(text_of(errors, 2, "message-id"), ==, "CAIRN0101");
	g_assert_cmpstr(text_of(errors, 2, "source"), ==, "JOB");
	const json_t *first = json_array_get(errors, 0);
	const json_t *actions = json_object_get(first, "actions");
	g_assert_cmpuint(json_array_size(actions), >=, 1);
	g_assert_cmpstr(json_string_value(json_array_get(actions, 0)), ==,
			text_of(errors, 0, "action"));
	g_assert_cmpstr(json_string_value(json_array_get(json_object_get(first, "arguments"), 0)),
			==, "vda");
	/* and all of it is found again when the job comes out of the store */
	g_autoptr(json_t) stored = job_to_json(job);
	cairn_auto(job) again = job_from_json(stored, NULL);
	g_autoptr(json_t) view = job_errors_view(again);
	g_assert_true(json_equal(view, errors));
}

/* ---- how a job is ---- */

/* By hand: state, warned; OperationalStatus, Status, HealthState, DetailedStatus, OperatingStatus,
 * PrimaryStatus. */
static const struct {
	enum job_state state;
	gboolean warned;
	guint operational[2];
	const char *word;
	guint health, detailed, operating, primary;
} hand[] = {
	{JOB_NEW, 0, {2, 0}, "OK", 5, 1, 7, 1},
	{JOB_STARTING, 0, {2, 8}, "Starting", 5, 1, 3, 1},
	{JOB_STARTING, 1, {3, 8}, "Starting", 10, 1, 3, 2},
	{JOB_RUNNING, 0, {2, 0}, "OK", 5, 1, 16, 1},
	{JOB_RUNNING, 1, {3, 0}, "Degraded", 10, 1, 16, 2},
	{JOB_SUSPENDED, 0, {2, 10}, "Stopped", 5, 1, 5, 1},
	{JOB_SUSPENDED, 1, {3, 10}, "Stopped", 10, 1, 5, 2},
	{JOB_SHUTTING_DOWN, 0, {2, 9}, "Stopping", 5, 1, 13, 1},
	{JOB_SHUTTING_DOWN, 1, {3, 9}, "Stopping", 10, 1, 13, 2},
	{JOB_COMPLETED, 0, {2, 17}, "OK", 5, 1, 8, 1},
	{JOB_TERMINATED, 0, {6, 17}, "Error", 10, 1, 5, 3},
	{JOB_TERMINATED, 1, {6, 17}, "Error", 10, 1, 5, 3},
	{JOB_KILLED, 0, {6, 17}, "Error", 10, 1, 6, 3},
	{JOB_KILLED, 1, {6, 17}, "Error", 10, 1, 6, 3},
	{JOB_EXCEPTION, 0, {6, 17}, "Error", 20, 4, 8, 3},
	{JOB_EXCEPTION, 1, {6, 17}, "Error", 20, 4, 8, 3},
	{JOB_SERVICE, 0, {2, 11}, "Service", 5, 1, 2, 1},
	{JOB_SERVICE, 1, {3, 11}, "Service", 10, 1, 2, 2},
	{JOB_COMPLETED_WARNINGS, 1, {3, 17}, "Degraded", 10, 1, 8, 2},
};

static json_int_t
number_of(const json_t *properties, const char *name)
{
	return json_integer_value(json_object_get(properties, name));
}

static void
check_status(guint row)
{
	cairn_auto(job) job = job_new("JOB", JOB_EXPORT);
	job->state = hand[row].state;
	job->phase = job_state_final(job->state) ? PHASE_ENDED : PHASE_COPY;
	if (hand[row].warned)
		job_add_warning(job, "careful");
	g_autoptr(json_t) json = job_cim_properties(job, NULL, 0);
	const json_t *status = json_object_get(json, "OperationalStatus");
	const json_t *texts = json_object_get(json, "StatusDescriptions");
	guint own = hand[row].operational[1] ? 2 : 1;
	g_test_message("row %u", row);
	g_assert_cmpuint(json_array_size(status), ==, own + (hand[row].warned ? 1 : 0));
	g_assert_cmpuint(json_array_size(texts), ==, json_array_size(status));
	for (guint i = 0; i < own; i++)
		g_assert_cmpint(json_integer_value(json_array_get(status, i)), ==,
				hand[row].operational[i]);
	if (hand[row].warned)
		g_assert_cmpstr(json_string_value(json_array_get(texts, own)), ==, "careful");
	g_assert_cmpstr(json_string_value(json_object_get(json, "Status")), ==, hand[row].word);
	g_assert_cmpint(number_of(json, "HealthState"), ==, hand[row].health);
	g_assert_cmpint(number_of(json, "DetailedStatus"), ==, hand[row].detailed);
	g_assert_cmpint(number_of(json, "OperatingStatus"), ==, hand[row].operating);
	g_assert_cmpint(number_of(json, "PrimaryStatus"), ==, hand[row].primary);
	g_assert_cmpint(number_of(json, "CommunicationStatus"), ==, 2);
}

static void
test_status(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(hand); i++)
		check_status(i);
}

/* Every state has a row, and every word fits: Status has at most 10 characters. */
static void
test_status_rows(void)
{
	guint n;
	const struct job_status *rows = job_status_rows(&n);
	for (guint state = 0; state <= JOB_COMPLETED_WARNINGS; state++) {
		guint found = 0;
		for (guint i = 0; i < n; i++)
			found += (guint)rows[i].state == state && !rows[i].warned;
		if (job_state_known((enum job_state)state) && state != JOB_QUERY_PENDING)
			g_assert_cmpuint(found, ==, 1);
	}
	for (guint i = 0; i < n; i++)
		g_assert_cmpuint(strlen(rows[i].word), <=, 10);
}

/* How many status descriptions a job has whose one disk has no base. */
static size_t
texts_of_full(enum job_state state, enum job_unit_status status)
{
	cairn_auto(job) job = job_new("JOB", JOB_EXPORT);
	struct job_disk *disk = job_add_disk(job, "VM", "vm1", "vda");
	job->state = state;
	job->phase = job_state_final(state) ? PHASE_ENDED : PHASE_COPY;
	disk->reason = g_strdup("resized");
	disk->status = status;
	g_autoptr(json_t) json = job_cim_properties(job, NULL, 0);
	return json_array_size(json_object_get(json, "StatusDescriptions"));
}

/* A disk that was not exported was not exported in full. */
static void
test_full(void)
{
	g_assert_cmpuint(texts_of_full(JOB_RUNNING, UNIT_TODO), ==, 2);
	g_assert_cmpuint(texts_of_full(JOB_EXCEPTION, UNIT_DONE), ==,
			 texts_of_full(JOB_EXCEPTION, UNIT_FAILED) + 1);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/messages/rows", test_rows);
	g_test_add_func("/messages/fallbacks", test_fallbacks);
	g_test_add_func("/messages/file-codes", test_file_codes);
	g_test_add_func("/messages/view", test_view);
	g_test_add_func("/messages/status", test_status);
	g_test_add_func("/messages/status-rows", test_status_rows);
	g_test_add_func("/messages/full", test_full);
	return g_test_run();
}
