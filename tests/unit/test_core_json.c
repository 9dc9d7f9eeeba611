/* core: what the store keeps of groups, points and jobs comes back whole, and bodies that are
 * damaged are refused and not believed. */
#include "struct_words.h"

#include "base/error.h"
#include "base/json.h"
#include "core/group.h"
#include "core/job.h"

typedef json_t *(*rewrite_fn)(const json_t *json, GError **error);

/* ---- full objects: every field set, each to another value ---- */

static struct group *
full_group(void)
{
	struct group *group = group_new("AA000000-0000-0000-0000-000000000001", "web");
	group->created = 1001;
	group->next_number = 7;
	g_assert_true(group_add_member(group, "vm-1", "db", NULL));
	g_assert_true(group_add_member(group, "vm-2", "app", NULL));
	return group;
}

static void
fill_point_disk(struct point_disk *disk, guint64 n)
{
	disk->path = g_strdup_printf("/images/%u.qcow2", (guint)n);
	disk->format = g_strdup_printf("format-%u", (guint)n);
	disk->size = 4096 * n;
	disk->tracked = disk->changes = TRUE;
	disk->changed_bytes = 512 * n;
	disk->reason = g_strdup_printf("disk reason %u", (guint)n);
}

static void
fill_point_member(struct point_member *member, gint64 n)
{
	member->state = g_strdup_printf("state-%u", (guint)n);
	member->uri = g_strdup_printf("fake:///%u", (guint)n);
	member->consistency = CONSISTENCY_APPLICATION;
	member->reason = g_strdup_printf("member reason %u", (guint)n);
	member->stopped_at = 2000 + n;
	member->still_at = 2500 + n;
	member->begun_at = 3000 + n;
	member->resumed_at = 4000 + n;
	member->agent = member->guest_state = TRUE;
	member->socket = g_strdup_printf("/run/%u.sock", (guint)n);
	fill_point_disk(point_add_disk(member, "vda"), (guint64)n + 10);
	fill_point_disk(point_add_disk(member, "vdb"), (guint64)n + 20);
}

static struct point *
full_point(void)
{
	struct point *point = point_new("point-1", "group-1");
	point->number = 3;
	point->created = 5001;
	point->prev = g_strdup("point-0");
	point->hidden = point->barrier = point->held = TRUE;
	point->requested = CONSISTENCY_BEST;
	point->consistency = CONSISTENCY_APPLICATION;
	point->pause_us = 31;
	point->skew_us = 32;
	point->freeze_us = 33;
	point->hold_until = 6001;
	point->release_reason = g_strdup("exported");
	fill_point_member(point_add_member(point, "vm-1", "db"), 1);
	fill_point_member(point_add_member(point, "vm-2", "app"), 2);
	point_add_export(point, "/exports/a", "job-7", 7001);
	point_set_partial(point, "/exports/b", TRUE);
	return point;
}

static void
fill_job_texts(struct job *job)
{
	job->group = g_strdup("group-1");
	job->group_name = g_strdup("web");
	job->point = g_strdup("point-1");
	job->point_name = g_strdup("web@3");
	job->base = g_strdup("auto");
	job->base_point = g_strdup("point-0");
	job->after = g_strdup("job-1");
	job->owner = g_strdup("root");
	job->directory = g_strdup("/exports");
	job->format = g_strdup("qcow2");
	job->compress = g_strdup("zstd");
	job->digest = g_strdup("xxh3");
	job->schedule = g_strdup("schedule-1");
	job->note = g_strdup("late");
	job->retried_as = g_strdup("job-3");
	job->notify = g_strdup("journal:ops");
	job->recovery = (struct recovery){RECOVERY_RETRY, g_strdup("other"), 3, 8007};
	job->wanted = (g_strfreev(job->wanted), g_strsplit("db:vda app", " ", -1));
	job->vm_ids = g_strsplit("vm-1 vm-2", " ", -1);
	job->exported_disks = g_strsplit("Cairn:vm-1\\vda", " ", -1);
	job->log_files = g_strsplit("l1 l2", " ", -1);
	job->config_files = g_strsplit("c1", " ", -1);
	job->runtime_files = g_strsplit("r1", " ", -1);
	job->state_files = g_strsplit("s1 s2 s3", " ", -1);
}

static void
fill_job_numbers(struct job *job)
{
	job->number = 11;
	job->state = JOB_SHUTTING_DOWN;
	job->phase = PHASE_STOP;
	job->outcome = JOB_TERMINATED;
	job->status = UNIT_DONE;
	job->priority = 12;
	job->submitted = 8001;
	job->started = 8002;
	job->ended = 8003;
	job->state_changed = 8004;
	job->keep_us = 8005;
	job->active_us = 8006;
	job->active_since = 8007;
	job->due = 8006;
	job->attempt = 2;
	job->delete_on_completion = TRUE;
	job->retention = (struct retention){1, 2, 3, 4};
	job->retained = json_pack("{s:i}", "kept", 5);
	job->work_done = 15;
	job->work_total = 16;
	job->work_rate = 17;
	job->consistency = CONSISTENCY_BEST;
	job->barrier = job->keep_held = job->release = job->backup = TRUE;
	job->hold_seconds = 13;
	job->rate_limit = 14;
}

static struct job *
full_job(void)
{
	struct job *job = job_new("job-2", JOB_EXPORT);
	fill_job_texts(job);
	fill_job_numbers(job);
	job->draft = full_point();
	for (guint i = 0; i < 2; i++) {
		g_autofree char *vm = g_strdup_printf("vm-%u", i + 1);
		struct job_member *member = job_add_member(job, vm, i ? "app" : "db");
		member->flags = MEMBER_PAUSED << i;
		member->status = i ? UNIT_DONE : UNIT_FAILED;
		struct job_disk *disk = job_add_disk(job, vm, i ? "app" : "db", "vda");
		disk->incremental = TRUE;
		disk->reason = g_strdup_printf("why %u", i);
		disk->status = UNIT_RUNNING;
		disk->done_bytes = 100 + i;
		disk->total_bytes = 200 + i;
		disk->rate = 300 + i;
		disk->result = json_pack("{s:i}", "bytes", 400 + (int)i);
	}
	for (int code = 0; code < CAIRN_ERROR_LAST; code++) {
		g_autoptr(GError) error =
			g_error_new(CAIRN_ERROR, code, "what went wrong %d", code);
		job_add_error(job, error, "vm-1", "vda");
	}
	job_add_warning(job, "careful");
	return job;
}

/* ---- round trips ---- */

static void
check_same_text(const json_t *first, const json_t *second)
{
	g_autofree char *a = cairn_json_dump(first), *b = cairn_json_dump(second);
	g_assert_cmpstr(a, ==, b);
}

static void
test_group(void)
{
	cairn_auto(group) group = full_group();
	cairn_auto(group) back = group_copy(group);
	g_autoptr(json_t) first = group_to_json(group), second = group_to_json(back);
	check_same_text(first, second);
	STRUCT_WORDS_CHECK(group, group, back, offsetof(struct group, version), G_MAXSIZE);
	STRUCT_WORDS_CHECK(group_member, group->members->pdata[1], back->members->pdata[1],
			   G_MAXSIZE);
	g_assert_cmpstr(group_find_member(back, "vm-2")->name, ==, "app");
}

static void
test_group_rules(void)
{
	const char *good[] = {"w", "web-1.prod_x", "0"},
		   *bad[] = {"", ".web", "-web", "a b", "a/b", "ä", "web@1"};
	for (guint i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(group_name_check(good[i], NULL));
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(group_name_check(bad[i], NULL));
	g_assert_false(group_name_check("AA000000-0000-0000-0000-000000000001", NULL));
	g_autofree char *longest = g_strnfill(GROUP_NAME_MAX, 'x'),
			*longer = g_strnfill(GROUP_NAME_MAX + 1, 'x');
	g_assert_true(group_name_check(longest, NULL));
	g_assert_false(group_name_check(longer, NULL));

	g_autoptr(GError) error = NULL;
	cairn_auto(group) group = full_group();
	g_assert_false(group_add_member(group, "vm-1", "db", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS);
	g_clear_error(&error);
	g_assert_true(group_remove_member(group, "vm-1", NULL));
	g_assert_false(group_remove_member(group, "vm-1", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
	g_clear_error(&error);
	for (guint i = group->members->len; i < GROUP_MEMBERS_MAX; i++) {
		g_autofree char *id = g_strdup_printf("more-%u", i);
		g_assert_true(group_add_member(group, id, id, NULL));
	}
	g_assert_false(group_add_member(group, "one too many", "x", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
}

static void
check_points_equal(const struct point *point, const struct point *back)
{
	STRUCT_WORDS_CHECK(point, point, back, offsetof(struct point, version),
			   offsetof(struct point, unstored), G_MAXSIZE);
	for (guint i = 0; i < point->members->len; i++) {
		const struct point_member *a = point->members->pdata[i],
					  *b = back->members->pdata[i];
		STRUCT_WORDS_CHECK(point_member, a, b, G_MAXSIZE);
		for (guint j = 0; j < a->disks->len; j++)
			STRUCT_WORDS_CHECK(point_disk, a->disks->pdata[j], b->disks->pdata[j],
					   G_MAXSIZE);
	}
	STRUCT_WORDS_CHECK(point_export, point->exports->pdata[0], back->exports->pdata[0],
			   G_MAXSIZE);
	g_assert_true(g_strv_equal((const char *const *)point->partials,
				   (const char *const *)back->partials));
}

static void
test_point(void)
{
	cairn_auto(point) point = full_point();
	cairn_auto(point) back = point_copy(point);
	g_autoptr(json_t) first = point_to_json(point), second = point_to_json(back);
	check_same_text(first, second);
	check_points_equal(point, back);
	struct point_member *alone = point_member_copy(point->members->pdata[0]);
	STRUCT_WORDS_CHECK(point_member, point->members->pdata[0], alone, G_MAXSIZE);
	point_member_free(alone);
	point_set_partial(back, "/exports/b", TRUE);
	g_assert_cmpuint(g_strv_length(back->partials), ==, 1);
	point_set_partial(back, "/exports/b", FALSE);
	g_assert_cmpuint(g_strv_length(back->partials), ==, 0);
}

static void
test_job(void)
{
	cairn_auto(job) job = full_job();
	cairn_auto(job) back = job_copy(job);
	g_autoptr(json_t) first = job_to_json(job), second = job_to_json(back);
	check_same_text(first, second);
	STRUCT_WORDS_CHECK(job, job, back, offsetof(struct job, version), G_MAXSIZE);
	for (guint i = 0; i < job->members->len; i++)
		STRUCT_WORDS_CHECK(job_member, job->members->pdata[i], back->members->pdata[i],
				   G_MAXSIZE);
	for (guint i = 0; i < job->disks->len; i++)
		STRUCT_WORDS_CHECK(job_disk, job->disks->pdata[i], back->disks->pdata[i],
				   G_MAXSIZE);
	/* The first code is 0: not a value that could be lost. */
	for (guint i = 1; i < job->errors->len; i++)
		STRUCT_WORDS_CHECK(job_error, job->errors->pdata[i], back->errors->pdata[i],
				   G_MAXSIZE);
	check_points_equal(job->draft, back->draft);
}

/* The next attempt asks for the same and has nothing of the last one: every member of the JSON is
 * one or the other. */
static void
test_job_again(void)
{
	static const char *const asked[] = {
		"kind",		"group",     "group-name", "base",
		"owner",	"priority",  "keep-us",	   "delete-on-completion",
		"schedule",	"backup",    "notify",	   "barrier",
		"hold-seconds", "directory", "format",	   "compress",
		"digest",	"wanted",    "rate-limit", "keep-held",
		"consistency",	"recovery",  "retention",  NULL};
	static const char *const other[] = {"id", "state", "phase", "attempt", NULL};
	cairn_auto(job) job = full_job();
	cairn_auto(job) again = job_again(job, "job-9");
	cairn_auto(job) fresh = job_new("job-9", JOB_EXPORT);
	g_autoptr(json_t) before = job_to_json(job), after = job_to_json(again),
			  empty = job_to_json(fresh);
	for (guint i = 0; asked[i]; i++) {
		g_test_message("%s", asked[i]);
		g_assert_nonnull(json_object_get(after, asked[i]));
		g_assert_true(json_equal(json_object_get(after, asked[i]),
					 json_object_get(before, asked[i])));
	}
	const char *key;
	json_t *value;
	json_object_foreach (after, key, value) {
		if (g_strv_contains(asked, key) || g_strv_contains(other, key))
			continue;
		g_test_message("%s", key);
		g_assert_true(json_equal(value, json_object_get(empty, key)));
	}
	g_assert_cmpstr(again->id, ==, "job-9");
	g_assert_cmpint(again->state, ==, JOB_NEW);
	g_assert_cmpint(again->phase, ==, PHASE_WAIT);
	g_assert_cmpuint(again->attempt, ==, job->attempt + 1);
}

static void
test_job_phases(void)
{
	for (guint phase = 0; phase < PHASE_LAST; phase++) {
		cairn_auto(job) job = job_new("j", phase % 2 ? JOB_EXPORT : JOB_POINT_CREATE);
		job->phase = (enum job_phase)phase;
		cairn_auto(job) back = job_copy(job);
		g_assert_cmpint(back->phase, ==, job->phase);
		g_assert_cmpint(back->kind, ==, job->kind);
	}
}

static void
test_bytes(void)
{
	/* A file name or a peer's message need not be UTF-8; it must not be lost whole. */
	cairn_auto(job) job = job_new("j", JOB_EXPORT);
	job_add_warning(job, "disk \xff is odd");
	job->log_files = g_strsplit("/exports/\xfe.qcow2", " ", -1);
	cairn_auto(job) back = job_copy(job);
	g_assert_cmpstr(back->warnings->pdata[0], ==, "disk \xef\xbf\xbd is odd");
	g_assert_cmpstr(back->log_files[0], ==, "/exports/\xef\xbf\xbd.qcow2");
}

/* ---- damaged bodies ---- */

static json_t *
rewrite_group(const json_t *json, GError **error)
{
	cairn_auto(group) group = group_from_json(json, error);
	return group ? group_to_json(group) : NULL;
}

static json_t *
rewrite_point(const json_t *json, GError **error)
{
	cairn_auto(point) point = point_from_json(json, error);
	return point ? point_to_json(point) : NULL;
}

static json_t *
rewrite_job(const json_t *json, GError **error)
{
	cairn_auto(job) job = job_from_json(json, error);
	return job ? job_to_json(job) : NULL;
}

static void
check_refused(const json_t *root, rewrite_fn rewrite, const char *key, const char *what)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) again = rewrite(root, &error);
	if (again)
		g_error("\"%s\" %s was accepted", key, what);
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
}

/* Values of every type; each must be refused where another type belongs. Strings are left alone
 * where a string belongs, and so on. */
static void
try_values(json_t *object, const char *key, const json_t *root, rewrite_fn rewrite)
{
	json_t *values[] = {json_string("\"nonsense\""),
			    json_integer(-1),
			    json_real(0.5),
			    json_true(),
			    json_array(),
			    json_object()};
	json_t *old = json_incref(json_object_get(object, key));
	for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
		gboolean same = json_typeof(values[i]) == json_typeof(old) ||
				(json_is_boolean(values[i]) && json_is_boolean(old));
		json_object_set_new(object, key, values[i]);
		if (!same || json_is_integer(old))
			check_refused(root, rewrite, key, "of the wrong type");
	}
	json_object_set_new(object, key, old);
}

/* Without a member it is refused, or what was read can be written and read again. */
static void
try_without(json_t *object, const char *key, const json_t *root, rewrite_fn rewrite)
{
	g_autoptr(json_t) old = json_incref(json_object_get(object, key));
	g_autoptr(GError) error = NULL;
	json_object_del(object, key);
	g_autoptr(json_t) once = rewrite(root, &error);
	if (once) {
		g_autoptr(json_t) twice = rewrite(once, &error);
		g_assert_no_error(error);
		check_same_text(once, twice);
	} else {
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
	json_object_set(object, key, old);
}

static void
damage_below(json_t *value, const json_t *root, rewrite_fn rewrite)
{
	if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			g_autoptr(json_t) old = json_incref(json_array_get(value, i));
			json_array_set_new(value, i, json_integer(1));
			check_refused(root, rewrite, "element", "of the wrong type");
			json_array_set(value, i, old);
			damage_below(old, root, rewrite);
		}
		return;
	}
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	const char *key;
	json_t *item;
	json_object_foreach (value, key, item)
		g_ptr_array_add(keys, g_strdup(key));
	for (guint i = 0; i < keys->len; i++) {
		key = keys->pdata[i];
		/* Not read back: what the code says is enough. What cairn-export says is kept as
		 * it is. */
		if (strcmp(key, "action") == 0 || strcmp(key, "code") == 0)
			continue;
		try_without(value, key, root, rewrite);
		try_values(value, key, root, rewrite);
		if (strcmp(key, "result") != 0)
			damage_below(json_object_get(value, key), root, rewrite);
	}
}

static void
test_damage(void)
{
	cairn_auto(group) group = full_group();
	cairn_auto(point) point = full_point();
	cairn_auto(job) job = full_job();
	g_autoptr(json_t) a = group_to_json(group), b = point_to_json(point), c = job_to_json(job);
	damage_below(a, a, rewrite_group);
	damage_below(b, b, rewrite_point);
	damage_below(c, c, rewrite_job);
}

static void
test_required(void)
{
	static const char *const keys[] = {"id", "kind", "state", "phase", "consistency"};
	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		cairn_auto(job) job = full_job();
		g_autoptr(json_t) json = job_to_json(job);
		json_object_del(json, keys[i]);
		check_refused(json, rewrite_job, keys[i], "left out");
		/* of the right type, but nonsense */
		gboolean number = strcmp(keys[i], "state") == 0;
		if (strcmp(keys[i], "id") == 0)
			continue;
		json_object_set_new(json, keys[i],
				    number ? json_integer(13) : json_string("nonsense"));
		check_refused(json, rewrite_job, keys[i], "nonsense");
	}
	cairn_auto(job) job = full_job();
	g_autoptr(json_t) json = job_to_json(job);
	json_object_set_new(json, "outcome", json_integer(JOB_RUNNING));
	check_refused(json, rewrite_job, "outcome", "that is not final");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/core/group/json", test_group);
	g_test_add_func("/core/group/rules", test_group_rules);
	g_test_add_func("/core/point/json", test_point);
	g_test_add_func("/core/job/json", test_job);
	g_test_add_func("/core/job/json-again", test_job_again);
	g_test_add_func("/core/job/phases", test_job_phases);
	g_test_add_func("/core/job/bytes", test_bytes);
	g_test_add_func("/core/damage", test_damage);
	g_test_add_func("/core/required", test_required);
	return g_test_run();
}
