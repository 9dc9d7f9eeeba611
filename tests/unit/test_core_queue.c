/* The rules of the queue, and how speed is divided. */
#include "core/queue.h"
#include "core/shares.h"

#include <string.h>

#define SECOND ((gint64)G_USEC_PER_SEC)
#define HOUR   (3600 * SECOND)

static struct job *
waiting(GPtrArray *jobs, guint64 number, const char *group, guint64 priority, gint64 submitted)
{
	struct job *job = job_new("J", JOB_EXPORT);
	job->number = number;
	job->group = g_strdup(group);
	job->priority = priority;
	job->submitted = submitted;
	g_ptr_array_add(jobs, job);
	return job;
}

static GPtrArray *
jobs_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)job_free);
}

/* The numbers of @jobs in the order in which they begin when one place is free after the other. */
static char *
serve(struct queue *queue, const GPtrArray *jobs, gint64 now, gint64 starve_after)
{
	g_autoptr(GPtrArray) left = g_ptr_array_new();
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < jobs->len; i++)
		g_ptr_array_add(left, jobs->pdata[i]);
	while (left->len > 0) {
		g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct queue_entry));
		for (guint i = 0; i < left->len; i++) {
			struct queue_entry entry;
			queue_entry_init(&entry, queue, left->pdata[i], now, starve_after);
			g_array_append_val(entries, entry);
		}
		g_array_sort(entries, queue_entry_compare);
		const struct job *job = g_array_index(entries, struct queue_entry, 0).job;
		queue_took(queue, job);
		g_string_append_printf(text, "%s%llu", text->len ? " " : "",
				       (unsigned long long)job->number);
		g_ptr_array_remove(left, (gpointer)job);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
expect(const GPtrArray *jobs, gint64 now, gint64 starve_after, const char *order)
{
	cairn_auto(queue) queue = queue_new();
	g_autofree char *got = serve(queue, jobs, now, starve_after);
	g_assert_cmpstr(got, ==, order);
}

static void
test_priority(void)
{
	g_autoptr(GPtrArray) jobs = jobs_new();
	waiting(jobs, 1, "a", 100, 0);
	waiting(jobs, 2, "b", 5, 0);
	waiting(jobs, 3, "c", 100, 0);
	waiting(jobs, 4, "d", 0, 0);
	expect(jobs, HOUR, 0, "4 2 1 3");
}

/* A group with many jobs does not keep the others waiting for all of them. */
static void
test_turns(void)
{
	g_autoptr(GPtrArray) jobs = jobs_new();
	for (guint i = 1; i <= 4; i++)
		waiting(jobs, i, "a", 100, 0);
	waiting(jobs, 5, "b", 100, 0);
	waiting(jobs, 6, "b", 100, 0);
	waiting(jobs, 7, "c", 100, 0);
	expect(jobs, HOUR, 0, "1 5 7 2 6 3 4");
}

/* What is urgent is no part of the round of what is not. */
static void
test_turns_of_numbers(void)
{
	cairn_auto(queue) queue = queue_new();
	g_autoptr(GPtrArray) jobs = jobs_new(), urgent = jobs_new();
	waiting(jobs, 1, "a", 100, 0);
	queue_took(queue, jobs->pdata[0]);
	g_ptr_array_set_size(jobs, 0);
	waiting(jobs, 2, "a", 100, 0);
	waiting(jobs, 3, "b", 100, 0);
	waiting(urgent, 9, "c", 1, 0);
	for (guint i = 0; i < 5; i++)
		queue_took(queue, urgent->pdata[0]);
	g_autofree char *got = serve(queue, jobs, HOUR, 0);
	g_assert_cmpstr(got, ==, "3 2");
}

static void
test_starving(void)
{
	g_autoptr(GPtrArray) jobs = jobs_new();
	waiting(jobs, 1, "a", 100, 10 * HOUR);
	waiting(jobs, 2, "b", 900, 10 * HOUR - 1);
	waiting(jobs, 3, "c", 1, 10 * HOUR + 1);
	waiting(jobs, 4, "d", 2, 10 * HOUR + 1);
	expect(jobs, 10 * HOUR + HOUR - 2, HOUR, "3 4 1 2");
	expect(jobs, 10 * HOUR + HOUR - 1, HOUR, "2 3 4 1");
	expect(jobs, 10 * HOUR + HOUR, HOUR, "2 1 3 4");
	expect(jobs, 30 * HOUR, 0, "3 4 1 2");
	/* A clock that was set back makes nobody starve, nor the other way round. */
	expect(jobs, 0, HOUR, "3 4 1 2");
}

/* Waiting begins when a job may run. */
static void
test_since(void)
{
	g_autoptr(GPtrArray) jobs = jobs_new();
	struct job *job = waiting(jobs, 1, "a", 100, HOUR);
	g_assert_cmpint(queue_since(job), ==, HOUR);
	g_assert_false(queue_delayed(job, 0));
	job->due = 5 * HOUR;
	g_assert_cmpint(queue_since(job), ==, 5 * HOUR);
	g_assert_true(queue_delayed(job, 5 * HOUR - 1));
	g_assert_false(queue_delayed(job, 5 * HOUR));
	job->state_changed = 6 * HOUR;
	g_assert_cmpint(queue_since(job), ==, 6 * HOUR);
	job->phase = PHASE_COPY;
	g_assert_false(queue_delayed(job, 0));
}

/* Whoever asks, and however often: a job begins before any that was asked for an hour after it. */
static void
test_bound(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	cairn_auto(queue) queue = queue_new();
	g_autoptr(GPtrArray) jobs = jobs_new();
	guint64 number = 0;
	gint64 now = 0;
	for (guint step = 0; step < 3000; step++) {
		g_autofree char *group = g_strdup_printf("%d", g_rand_int_range(rand, 0, 6));
		now += 60 * SECOND;
		waiting(jobs, ++number, group, (guint64)g_rand_int_range(rand, 0, 1000), now);
		if (g_rand_int_range(rand, 0, 20) == 0)
			continue; /* more are asked for than can be run */
		struct queue_entry best, entry;
		gint64 oldest = G_MAXINT64;
		for (guint i = 0; i < jobs->len; i++) {
			queue_entry_init(&entry, queue, jobs->pdata[i], now, HOUR);
			oldest = MIN(oldest, entry.since);
			if (i == 0 || queue_entry_compare(&entry, &best) < 0)
				best = entry;
		}
		g_assert_cmpint(best.since, <=, MAX(oldest, now - HOUR) + HOUR);
		if (now - oldest >= HOUR)
			g_assert_cmpint(best.since, ==, oldest);
		queue_took(queue, best.job);
		g_ptr_array_remove(jobs, (gpointer)best.job);
	}
}

/* ---- points and exports of a group ---- */

static void
test_order(void)
{
	g_autoptr(GPtrArray) jobs = jobs_new();
	struct job *export = waiting(jobs, 5, "a", 100, 10 * HOUR);
	struct job *point = waiting(jobs, 6, "a", 100, 10 * HOUR);
	struct queue_order order = {0};
	point->kind = JOB_POINT_CREATE;
	queue_order_add(&order, point, TRUE);
	g_assert_false(queue_order_waits(&order, point));
	/* One whose point is still to be taken, or that is delayed, holds nobody back. */
	queue_order_add(&order, export, FALSE);
	g_assert_false(queue_order_waits(&order, point));
	queue_order_add(&order, export, TRUE);
	g_assert_true(queue_order_waits(&order, point));
	point->number = 4;
	order = (struct queue_order){0};
	queue_order_add(&order, point, TRUE);
	queue_order_add(&order, export, TRUE);
	g_assert_false(queue_order_waits(&order, point));
	/* A delayed point comes after what was asked for before its time. */
	point->due = 11 * HOUR;
	g_assert_true(queue_order_waits(&order, point));
	point->due = 9 * HOUR;
	g_assert_false(queue_order_waits(&order, point));
}

/* A retention does not remove the base that an export names; "auto" is never removed. */
static void
test_order_of_retention(void)
{
	g_autoptr(GPtrArray) jobs = jobs_new();
	struct job *retain = waiting(jobs, 5, "a", 1, 0), *export = waiting(jobs, 6, "a", 100, 0);
	struct queue_order order = {0};
	retain->kind = JOB_RETAIN;
	export->base = g_strdup("auto");
	queue_order_add(&order, retain, TRUE);
	queue_order_add(&order, export, TRUE);
	g_assert_false(queue_order_waits(&order, retain));
	g_free(export->base);
	export->base = g_strdup("BBBBBBBB-2222-3333-4444-555555555555");
	queue_order_add(&order, export, FALSE);
	g_assert_false(queue_order_waits(&order, retain));
	queue_order_add(&order, export, TRUE);
	g_assert_true(queue_order_waits(&order, retain));
	g_assert_false(queue_order_waits(&order, export));
}

static void
test_order_of_points(void)
{
	g_autoptr(GPtrArray) jobs = jobs_new();
	struct job *delayed = waiting(jobs, 5, "a", 100, 10 * HOUR);
	struct job *first = waiting(jobs, 6, "a", 100, 10 * HOUR);
	struct job *second = waiting(jobs, 7, "a", 1, 10 * HOUR);
	struct queue_order order = {0};
	for (guint i = 0; i < jobs->len; i++)
		((struct job *)jobs->pdata[i])->kind = JOB_POINT_CREATE;
	delayed->due = 20 * HOUR;
	for (guint i = 0; i < jobs->len; i++)
		queue_order_add(&order, jobs->pdata[i], TRUE);
	g_assert_false(queue_order_waits(&order, first));
	g_assert_true(queue_order_waits(&order, second));
	g_assert_false(queue_order_waits(&order, delayed));
}

/* ---- copies ---- */

static void
test_copies(void)
{
	g_autoptr(GPtrArray) jobs = jobs_new();
	struct queue_copies copies[] = {
		{waiting(jobs, 1, "a", 100, 0), 3, 0, TRUE},
		{waiting(jobs, 2, "b", 100, 0), 1, 0, TRUE},
		{waiting(jobs, 3, "c", 100, 0), 1, 0, TRUE},
		{waiting(jobs, 4, "d", 900, 0), 0, HOUR, TRUE},
		{waiting(jobs, 5, "e", 1, 0), 0, HOUR, FALSE},
	};
	guint n = G_N_ELEMENTS(copies);
	g_assert_cmpint(queue_next_copy(copies, n, HOUR, HOUR), ==, 1);
	copies[1].copying = 2;
	g_assert_cmpint(queue_next_copy(copies, n, HOUR, HOUR), ==, 2);
	copies[4].ready = TRUE;
	g_assert_cmpint(queue_next_copy(copies, n, HOUR, HOUR), ==, 4);
	copies[4].ready = FALSE;
	g_assert_cmpint(queue_next_copy(copies, n, 2 * HOUR, HOUR), ==, 3);
	g_assert_cmpint(queue_next_copy(copies, n, 2 * HOUR, 0), ==, 2);
	g_assert_cmpint(queue_next_copy(copies, 0, HOUR, HOUR), ==, -1);
	g_assert_cmpint(queue_next_copy(&copies[4], 1, HOUR, HOUR), ==, -1);
}

/* ---- speed ---- */

#define MiB ((guint64)1 << 20)

static void
rates_are(struct share *shares, guint n, const guint64 *rates)
{
	shares_divide(shares, n);
	for (guint i = 0; i < n; i++)
		g_assert_cmpuint(shares[i].rate, ==, rates[i]);
}

static void
test_shares_plain(void)
{
	struct share free_ones[] = {{"j", "h", 0, 0, 7}, {"j", "i", 0, 0, 7}};
	rates_are(free_ones, 2, (guint64[]){0, 0});
	struct share job[] = {{"j", "h", 90, 0, 0}, {"j", "i", 90, 0, 0}, {"k", "h", 0, 0, 0}};
	rates_are(job, 3, (guint64[]){45, 45, 0});
	struct share host[] = {{"j", "h", 0, 90, 0}, {"k", "h", 0, 90, 0}, {"k", "i", 0, 90, 0}};
	rates_are(host, 3, (guint64[]){45, 45, 90});
	rates_are(host, 0, NULL);
}

static void
test_shares_both(void)
{
	/* What the slow job leaves of the host's goes to the others. */
	struct share left[] = {
		{"slow", "h", 10, 100, 0}, {"b", "h", 0, 100, 0}, {"c", "h", 0, 100, 0}};
	rates_are(left, 3, (guint64[]){10, 45, 45});
	/* And what a busy host leaves of a job's, to its copies from another host. */
	struct share other[] = {
		{"j", "busy", 100, 30, 0}, {"k", "busy", 0, 30, 0}, {"j", "idle", 100, 200, 0}};
	rates_are(other, 3, (guint64[]){15, 15, 85});
	/* Nobody stands still, and 0 would be no limit at all. */
	struct share tiny[] = {{"j", "h", 1, 0, 0}, {"j", "h", 1, 0, 0}, {"j", "h", 1, 0, 0}};
	rates_are(tiny, 3, (guint64[]){1, 1, 1});
}

static guint64
sum_of(const struct share *shares, guint n, const char *name, gboolean host)
{
	guint64 sum = 0;
	for (guint i = 0; i < n; i++)
		if (strcmp(host ? shares[i].host : shares[i].job, name) == 0)
			sum += shares[i].rate;
	return sum;
}

/* No limit is exceeded, none has its share for nothing, and each copy is stopped by a limit that is
 * used up. */
static void
test_shares_random(void)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	g_autoptr(GRand) rand = g_rand_new_with_seed(11);
	for (guint round = 0; round < 500; round++) {
		struct share shares[40];
		guint64 of_job[6], of_host[6];
		guint n = (guint)g_rand_int_range(rand, 1, 40);
		for (guint i = 0; i < 6; i++) {
			of_job[i] = MiB * (guint64)g_rand_int_range(rand, 0, 50);
			of_host[i] = MiB * (guint64)g_rand_int_range(rand, 0, 50);
		}
		for (guint i = 0; i < n; i++) {
			gint job = g_rand_int_range(rand, 0, 6),
			     host = g_rand_int_range(rand, 0, 6);
			shares[i] = (struct share){names[job], names[host], of_job[job],
						   of_host[host], 0};
		}
		shares_divide(shares, n);
		for (guint i = 0; i < n; i++) {
			guint64 job = sum_of(shares, n, shares[i].job, FALSE),
				host = sum_of(shares, n, shares[i].host, TRUE);
			const struct share *one = &shares[i];
			g_assert_true(!one->job_limit || job <= one->job_limit);
			g_assert_true(!one->host_limit || host <= one->host_limit);
			if (!one->job_limit && !one->host_limit)
				g_assert_cmpuint(one->rate, ==, 0);
			else
				g_assert_true((one->job_limit && job + n >= one->job_limit) ||
					      (one->host_limit && host + n >= one->host_limit));
		}
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/queue/priority", test_priority);
	g_test_add_func("/queue/turns", test_turns);
	g_test_add_func("/queue/turns-of-numbers", test_turns_of_numbers);
	g_test_add_func("/queue/starving", test_starving);
	g_test_add_func("/queue/since", test_since);
	g_test_add_func("/queue/bound", test_bound);
	g_test_add_func("/queue/order", test_order);
	g_test_add_func("/queue/order-of-points", test_order_of_points);
	g_test_add_func("/queue/order-of-retention", test_order_of_retention);
	g_test_add_func("/queue/copies", test_copies);
	g_test_add_func("/shares/plain", test_shares_plain);
	g_test_add_func("/shares/both", test_shares_both);
	g_test_add_func("/shares/random", test_shares_random);
	return g_test_run();
}
