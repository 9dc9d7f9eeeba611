/* Measures how long a group of guests stands still: `group_pause URI FOLDER ROUNDS VM...` takes
 * points with one thread per guest, as the daemon does, and prints what each step took and the
 * median pause. No test: numbers depend on the machine. */
#include "base/guid.h"
#include "hypervisor/hypervisor.h"

#include <stdio.h>
#include <stdlib.h>

#define VMS_MAX 32

static struct hypervisor *hv;
static struct hv_point *points[VMS_MAX];
static guint count;

typedef gboolean (*step_fn)(const struct hv_point *point, GError **error);

static gboolean
prepare(const struct hv_point *point, GError **error)
{
	return hypervisor_prepare(hv, point, 10, error);
}

static gboolean
suspend(const struct hv_point *point, GError **error)
{
	return hypervisor_suspend(hv, point->vm, error);
}

static gboolean
begin(const struct hv_point *point, GError **error)
{
	return hypervisor_begin(hv, point, error);
}

static gboolean
resume(const struct hv_point *point, GError **error)
{
	return hypervisor_resume(hv, point->vm, error);
}

static gboolean
finish(const struct hv_point *point, GError **error)
{
	return hypervisor_end(hv, point, error);
}

static gboolean
forget(const struct hv_point *point, GError **error)
{
	return hypervisor_forget(hv, point->vm, point->name, error);
}

struct work {
	step_fn step;
	const struct hv_point *point;
};

static gpointer
run(gpointer data)
{
	struct work *work = data;
	g_autoptr(GError) error = NULL;
	if (!work->step(work->point, &error))
		g_error("%s", error->message);
	return NULL;
}

/* Milliseconds until all have done it. */
static double
all(step_fn step)
{
	GThread *threads[VMS_MAX];
	struct work works[VMS_MAX];
	gint64 since = g_get_monotonic_time();
	for (guint i = 0; i < count; i++) {
		works[i] = (struct work){step, points[i]};
		threads[i] = g_thread_new("step", run, &works[i]);
	}
	for (guint i = 0; i < count; i++)
		g_thread_join(threads[i]);
	return (double)(g_get_monotonic_time() - since) / 1000;
}

static struct hv_point *
plan(const char *name, const char *folder, const char *base, guint n)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(hv_vm) vm = hypervisor_lookup(hv, name, &error);
	if (!vm)
		g_error("%s", error->message);
	g_autofree char *guid = cairn_guid_new();
	g_autofree char *point_name = g_strconcat(HV_OURS, guid, NULL);
	g_autofree char *socket = g_strdup_printf("%s/%u.sock", folder, n);
	struct hv_point *point = hv_point_new(vm->uuid, point_name, socket);
	for (guint i = 0; i < vm->disks->len; i++) {
		const struct hv_disk *disk = vm->disks->pdata[i];
		g_autofree char *scratch =
			g_strdup_printf("%s/%s.%s", folder, point_name, disk->target);
		hv_point_add(point, disk->target, disk->trackable ? base : NULL, scratch,
			     disk->size)
			->untracked = !disk->trackable;
	}
	return point;
}

static int
by_size(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;
	return (one > other) - (one < other);
}

/* One round; the point of each guest becomes the base of its next. */
static double
round_of(char **names, const char *folder, char **bases)
{
	for (guint i = 0; i < count; i++)
		points[i] = plan(names[i], folder, bases[i], i);
	double prepared = all(prepare);
	gint64 since = g_get_monotonic_time();
	double suspended = all(suspend), begun = all(begin), resumed = all(resume);
	double pause = (double)(g_get_monotonic_time() - since) / 1000;
	double ended = all(finish);
	printf("prepare %.1f | suspend %.1f begin %.1f resume %.1f = pause %.1f | end %.1f ms\n",
	       prepared, suspended, begun, resumed, pause, ended);
	for (guint i = 0; i < count; i++) {
		g_autofree char *old = bases[i];
		bases[i] = g_strdup(points[i]->name);
		if (old && !hypervisor_forget(hv, points[i]->vm, old, NULL))
			g_error("cannot forget %s", old);
	}
	return pause;
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	char *bases[VMS_MAX] = {NULL};
	int rounds = argc > 4 ? (int)g_ascii_strtoull(argv[3], NULL, 10) : 0;
	if (rounds < 1 || rounds > 1000 || argc - 4 > VMS_MAX) {
		fprintf(stderr, "usage: group_pause URI FOLDER ROUNDS VM...\n");
		return 2;
	}
	hv = hypervisor_open(argv[1], &error);
	if (!hv)
		g_error("%s", error->message);
	count = (guint)argc - 4;
	g_autofree double *pauses = g_new0(double, rounds);
	for (int i = 0; i < rounds; i++) {
		pauses[i] = round_of(argv + 4, argv[2], bases);
		if (i == rounds - 1)
			all(forget);
		for (guint n = 0; n < count; n++)
			hv_point_free(points[n]);
	}
	qsort(pauses, (size_t)rounds, sizeof *pauses, by_size);
	printf("median pause of %u guests: %.1f ms\n", count, pauses[rounds / 2]);
	for (guint n = 0; n < count; n++)
		g_free(bases[n]);
	hypervisor_close(hv);
	return 0;
}
