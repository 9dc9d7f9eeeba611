/* core: a job's numbers, and its CIM properties against export-job.facts. */
#include "base/error.h"
#include "base/json.h"
#include "core/job_cim.h"
#include "core/job_step.h"

#include <string.h>

/* ---- numbers ---- */

static struct job_disk *
add_disk(struct job *job, enum job_unit_status status, guint64 done, guint64 total)
{
	struct job_disk *disk = job_add_disk(job, "vm-1", "db", "vda");
	disk->status = status;
	disk->done_bytes = done;
	disk->total_bytes = total;
	return disk;
}

static void
test_percent(void)
{
	cairn_auto(job) job = job_new("j", JOB_EXPORT);
	g_assert_cmpuint(job_percent(job), ==, 0);
	job->phase = PHASE_COPY;
	struct job_disk *first = add_disk(job, UNIT_RUNNING, 50, 100);
	g_assert_cmpuint(job_percent(job), ==, 50);
	struct job_disk *second = add_disk(job, UNIT_TODO, 0, 0);
	g_assert_cmpuint(job_percent(job), ==, 0); /* its size is not known: no guess */
	second->total_bytes = 300;
	g_assert_cmpuint(job_percent(job), ==, 12);
	/* Big disks must not overflow. */
	first->total_bytes = first->done_bytes = G_GUINT64_CONSTANT(1) << 62;
	second->total_bytes = G_GUINT64_CONSTANT(1) << 62;
	g_assert_cmpuint(job_percent(job), ==, 50);
	second->status = first->status = UNIT_DONE;
	second->done_bytes = second->total_bytes;
	g_assert_cmpuint(job_percent(job), ==, 99); /* 100 is for the end */
	job->phase = PHASE_ENDED;
	g_assert_cmpuint(job_percent(job), ==, 100);
	job->outcome = JOB_TERMINATED;
	g_assert_cmpuint(job_percent(job), ==, 99);
	/* Increments without a changed byte are whole when they are done. */
	cairn_auto(job) empty = job_new("e", JOB_EXPORT);
	empty->phase = PHASE_FINISH;
	add_disk(empty, UNIT_DONE, 0, 0);
	g_assert_cmpuint(job_percent(empty), ==, 99);
}

static void
test_percent_rises(void)
{
	static const enum job_phase phases[] = {PHASE_WAIT,    PHASE_PREPARE, PHASE_WINDOW,
						PHASE_EXTENTS, PHASE_CLEAN,   PHASE_ENDED};
	cairn_auto(job) job = job_new("j", JOB_POINT_CREATE);
	guint last = 0;
	for (guint i = 0; i < G_N_ELEMENTS(phases); i++) {
		job->phase = phases[i];
		g_assert_cmpuint(job_percent(job), >=, last);
		last = job_percent(job);
	}
	g_assert_cmpuint(last, ==, 100);
}

static void
step(struct job *job, const struct job_event *event, gint64 now)
{
	struct job_step_result result;
	job_step(job, event, now, &result);
	job_step_result_clear(&result);
}

static void
test_elapsed(void)
{
	cairn_auto(job) job = job_new("j", JOB_EXPORT);
	g_assert_cmpint(job_elapsed(job, 500), ==, 0);
	job->state = JOB_RUNNING;
	job_clock(job, 100, FALSE);
	g_assert_cmpint(job_elapsed(job, 500), ==, 400);
	g_assert_cmpint(job_elapsed(job, 50), ==, 0); /* the clock was set back */
	job_clock(job, 300, FALSE);
	job_clock(job, 1000, TRUE); /* the daemon was away */
	g_assert_cmpint(job_elapsed(job, 1100), ==, 300);
	job->state = JOB_SUSPENDED;
	job_clock(job, 1100, FALSE);
	g_assert_cmpint(job_elapsed(job, 9000), ==, 300);
	job_clock(job, 9500, TRUE);
	g_assert_cmpint(job_elapsed(job, 9900), ==, 300);
}

/* All times of a job whose daemon dies, by its steps. */
static void
test_times(void)
{
	cairn_auto(job) job = job_new("j", JOB_EXPORT);
	struct job_event event = {.type = JOB_EVENT_ADMIT};
	job->submitted = 50;
	step(job, &event, 100);
	event.type = JOB_EVENT_RESTART;
	step(job, &event, 1000);
	g_assert_cmpint(job->started, ==, 100);
	g_assert_cmpint(job->state_changed, ==,
			100); /* it was running all the time, for a client */
	g_assert_cmpint(job_elapsed(job, 1200), ==, 200);
	job_clock(job, 1300, FALSE);
	g_assert_cmpint(job->active_us, ==, 300); /* what a crash cannot take back */
	event = (struct job_event){.type = JOB_EVENT_CONTROL, .verb = VERB_TERMINATE};
	step(job, &event, 1500);
	event.type = JOB_EVENT_RESTART;
	step(job, &event, 3000);
	event = (struct job_event){.type = JOB_EVENT_DONE, .effect = {EFFECT_STAGE, 0}};
	step(job, &event, 3050);
	event.effect.type = EFFECT_UNSTAGE;
	step(job, &event, 3100);
	g_assert_cmpint(job->phase, ==, PHASE_ENDED);
	g_assert_cmpint(job->started, ==, 100);
	g_assert_cmpint(job->ended, ==, 3100);
	g_assert_cmpint(job->state_changed, ==, 3100);
	g_assert_cmpint(job_elapsed(job, 9999), ==, 600);
}

static void
test_messages(void)
{
	cairn_auto(job) job = job_new("j", JOB_EXPORT);
	g_autoptr(GError) error =
		g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_IO, "the disk is broken");
	for (guint i = 0; i < JOB_MESSAGES_MAX + 5; i++) {
		job_add_error(job, error, NULL, NULL);
		job_add_warning(job, "careful");
	}
	g_assert_cmpuint(job->errors->len, ==, JOB_MESSAGES_MAX);
	g_assert_cmpuint(job->warnings->len, ==, JOB_MESSAGES_MAX);
	job->phase = PHASE_ENDED;
	job->outcome = job->state = JOB_EXCEPTION;
	g_autofree char *text = job_status_text(job);
	g_assert_cmpstr(text, ==, "the disk is broken");
}

/* ---- CIM ---- */

static const struct {
	const char *type;
	json_int_t low, high; /* of numbers */
} types[] = {
	{"string", 0, 0},     {"datetime", 0, 0},   {"boolean", 0, 0},		{"uint8", 0, 255},
	{"sint8", -128, 127}, {"uint16", 0, 65535}, {"uint32", 0, G_MAXUINT32},
};

static void
check_datetime(const char *name, const json_t *value)
{
	/* DSP0004 5.2.4: yyyymmddHHMMSS.mmmmmm[+-]UUU or ddddddddHHMMSS.mmmmmm:000 */
	const char *form = "^[0-9]{14}\\.[0-9]{6}([+-][0-9]{3}|:000)$";
	if (!g_regex_match_simple(form, json_string_value(value), 0, 0))
		g_error("%s: \"%s\" is not a CIM datetime", name, json_string_value(value));
}

static void
check_value(const char *name, const char *type, const json_t *value)
{
	guint i = 0;
	while (i < G_N_ELEMENTS(types) && strcmp(types[i].type, type) != 0)
		i++;
	g_assert_cmpuint(i, <, G_N_ELEMENTS(types));
	gboolean ok =
		strcmp(type, "string") == 0 || strcmp(type, "datetime") == 0 ? json_is_string(value)
		: strcmp(type, "boolean") == 0
			? json_is_boolean(value)
			: json_is_integer(value) && json_integer_value(value) >= types[i].low &&
				  json_integer_value(value) <= types[i].high;
	if (!ok)
		g_error("%s is not a %s", name, type);
	if (strcmp(type, "datetime") == 0)
		check_datetime(name, value);
}

static void
check_property(const json_t *properties, char **fact)
{
	const json_t *value = json_object_get(properties, fact[0]);
	if (!value)
		g_error("the property %s is missing", fact[0]);
	if (json_is_null(value))
		return;
	if (strcmp(fact[2], "array") != 0) {
		check_value(fact[0], fact[1], value);
		return;
	}
	g_assert_true(json_is_array(value));
	for (size_t i = 0; i < json_array_size(value); i++)
		check_value(fact[0], fact[1], json_array_get(value, i));
}

/* Exactly the properties of the class, each of its type; what the schema calls Required is there.
 */
static void
check_facts(const json_t *properties)
{
	const char *path = CAIRN_SOURCE_ROOT "/tests/unit/export-job.facts";
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
	guint count = 0;
	for (char **line = lines; *line; line++) {
		if (**line == '#')
			continue;
		g_auto(GStrv) fact = g_strsplit(*line, " ", -1);
		g_assert_cmpuint(g_strv_length(fact), ==, 3);
		check_property(properties, fact);
		count++;
	}
	g_assert_cmpuint(count, ==, 50);
	g_assert_cmpuint(json_object_size(properties), ==, count);
	static const char *const required[] = {"InstanceID", "Name", "TimeBeforeRemoval"};
	for (guint i = 0; i < G_N_ELEMENTS(required); i++)
		g_assert_true(json_is_string(json_object_get(properties, required[i])));
	g_assert_cmpuint(json_array_size(json_object_get(properties, "OperationalStatus")), ==,
			 json_array_size(json_object_get(properties, "StatusDescriptions")));
}

static struct job *
cim_job(void)
{
	struct job *job = job_new("C0FFEE00-0000-0000-0000-000000000001", JOB_EXPORT);
	job->group = g_strdup("group-1");
	job->point = g_strdup("point-1");
	job->point_name = g_strdup("web@3");
	job->base_point = g_strdup("point-0");
	job->directory = g_strdup("/exports");
	job->owner = g_strdup("root");
	job->submitted = G_GINT64_CONSTANT(1763720430123456);
	job->vm_ids = g_strsplit("vm-1 vm-2", " ", -1);
	job->exported_disks = g_strsplit("Cairn:vm-1\\vda", " ", -1);
	struct job_disk *disk = add_disk(job, UNIT_DONE, 10, 10);
	disk->reason = g_strdup("the disk is new");
	return job;
}

static void
check_number(const json_t *properties, const char *name, json_int_t want)
{
	if (json_integer_value(json_object_get(properties, name)) != want)
		g_error("%s is %d, not %d", name,
			(int)json_integer_value(json_object_get(properties, name)), (int)want);
}

static void
check_text(const json_t *properties, const char *name, const char *want)
{
	g_assert_cmpstr(json_string_value(json_object_get(properties, name)), ==, want);
}

static void
test_cim_new(void)
{
	cairn_auto(job) job = cim_job();
	job->priority = G_MAXINT64; /* uint32 there */
	g_autoptr(json_t) properties = job_cim_properties(job, NULL, job->submitted);
	check_facts(properties);
	check_number(properties, "JobState", 2);
	check_number(properties, "PercentComplete", 99);
	check_text(properties, "TimeSubmitted", "20251121102030.123456+000");
	check_text(properties, "TimeOfLastStateChange", "00000000000000.000000:000");
	check_text(properties, "TimeBeforeRemoval", "00000000000500.000000:000");
	g_assert_true(json_is_true(json_object_get(properties, "Cancellable")));
	g_assert_true(json_is_null(json_object_get(properties, "StartTime")));
}

static void
test_cim_done(void)
{
	cairn_auto(job) job = cim_job();
	job->phase = PHASE_ENDED;
	job->state = JOB_COMPLETED;
	job->started = job->submitted + G_USEC_PER_SEC;
	job->ended = job->state_changed = job->started + 61 * G_USEC_PER_SEC;
	job->active_us = 61 * G_USEC_PER_SEC;
	g_autoptr(json_t) properties = job_cim_properties(job, NULL, job->ended * 2);
	check_facts(properties);
	check_number(properties, "JobState", 7);
	g_assert_cmpuint(json_array_size(json_object_get(properties, "ExportedDisks")), ==, 1);
	check_number(properties, "PercentComplete", 100);
	check_number(properties, "ErrorCode", 0);
	check_number(properties, "OperatingStatus", 8); /* Completed */
	check_text(properties, "ElapsedTime", "00000000000101.000000:000");
	check_text(properties, "CollectionId", "group-1");
	check_text(properties, "ReferencePointGroupId", "point-1");
	check_text(properties, "BaseReferencePointGroupId", "point-0");
	const json_t *status = json_object_get(properties, "OperationalStatus");
	g_assert_cmpint(json_integer_value(json_array_get(status, 0)), ==, 2);
	g_assert_cmpint(json_integer_value(json_array_get(status, 1)), ==, 17);
	g_assert_false(json_is_true(json_object_get(properties, "Cancellable")));
}

static void
test_cim_failed(void)
{
	cairn_auto(job) job = cim_job();
	g_autoptr(GError) error =
		g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_LIMIT, "no space in /exports");
	job_add_error(job, error, NULL, NULL);
	g_autoptr(GError) more = g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_IO, "and more");
	job_add_error(job, more, "vm-1", "vda");
	job->state = JOB_RUNNING;
	job->phase = PHASE_STOP;
	job->outcome = JOB_EXCEPTION;
	/* State, error and lists change together: while it stops there is no error yet. */
	g_autoptr(json_t) before = job_cim_properties(job, NULL, job->submitted);
	check_facts(before);
	check_number(before, "ErrorCode", 0);
	g_assert_cmpuint(json_array_size(json_object_get(before, "ExportedDisks")), ==, 0);
	check_number(before, "JobState", 4);
	job->phase = PHASE_ENDED;
	job->state = JOB_EXCEPTION;
	g_autoptr(json_t) after = job_cim_properties(job, NULL, job->submitted);
	check_facts(after);
	check_number(after, "JobState", 10);
	check_number(after, "ErrorCode", cairn_error_job_code(CAIRN_ERROR_LIMIT));
	check_text(after, "ErrorSummaryDescription", "no space in /exports");
	check_text(after, "ErrorDescription", "no space in /exports\nand more");
	check_number(after, "HealthState", 20);
}

static void
test_cim_point(void)
{
	cairn_auto(job) job = job_new("C0FFEE00-0000-0000-0000-000000000002", JOB_POINT_CREATE);
	job_add_warning(job, "machine \"db\" is only crash consistent");
	job->phase = PHASE_ENDED;
	job->state = JOB_COMPLETED_WARNINGS;
	g_autoptr(json_t) properties = job_cim_properties(job, NULL, 0);
	check_facts(properties);
	check_number(properties, "JobState", 32768);
	check_text(properties, "Status", "Degraded");
}

/* What is not being copied has no rate, whatever its copy told last. */
static void
test_rate(void)
{
	static const guint64 want[] = {[UNIT_TODO] = 0, [UNIT_RUNNING] = 7, [UNIT_FAILED] = 0};
	cairn_auto(job) job = job_new("j", JOB_EXPORT);
	struct job_disk *disk = job_add_disk(job, "vm", "db", "vda");
	disk->rate = 7;
	for (guint status = 0; status < G_N_ELEMENTS(want); status++) {
		disk->status = (enum job_unit_status)status;
		g_autoptr(json_t) view = job_view(job, 0);
		const json_t *shown = json_array_get(json_object_get(view, "disks"), 0);
		g_assert_cmpint(json_integer_value(json_object_get(shown, "rate")), ==,
				want[status]);
		g_assert_cmpint(json_integer_value(json_object_get(view, "rate")), ==,
				want[status]);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/core/job/rate", test_rate);
	g_test_add_func("/core/job/percent", test_percent);
	g_test_add_func("/core/job/percent-rises", test_percent_rises);
	g_test_add_func("/core/job/elapsed", test_elapsed);
	g_test_add_func("/core/job/times", test_times);
	g_test_add_func("/core/job/messages", test_messages);
	g_test_add_func("/core/job/cim/new", test_cim_new);
	g_test_add_func("/core/job/cim/done", test_cim_done);
	g_test_add_func("/core/job/cim/failed", test_cim_failed);
	g_test_add_func("/core/job/cim/point", test_cim_point);
	return g_test_run();
}
