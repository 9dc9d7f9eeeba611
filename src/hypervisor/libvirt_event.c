/* Events of libvirt become events of ours. One thread per process runs libvirt's default loop: the
 * embedded driver and keepalive need it too. */
#include "hypervisor/libvirt.h"

#include "base/error.h"
#include "base/guid.h"

#include <libvirt/virterror.h>

/* How often marker files are looked at while images of shut-off machines are served, milliseconds.
 */
#define LOOK_MSEC 500

static gpointer
loop(gpointer unused)
{
	for (;;)
		virEventRunDefaultImpl();
	return NULL;
}

static gpointer
start_loop(gpointer unused)
{
	virEventRegisterDefaultImpl();
	g_thread_unref(g_thread_new("libvirt-events", loop, NULL));
	return NULL;
}

void
lv_loop_start(void)
{
	static GOnce once = G_ONCE_INIT;
	g_once(&once, start_loop, NULL);
}

/* Upper case; "" when libvirt cannot say. */
static char *
uuid_of(virDomainPtr dom)
{
	char text[VIR_UUID_STRING_BUFLEN] = "";
	virDomainGetUUIDString(dom, text);
	return g_ascii_strup(text, -1);
}

static void
forget_memory(struct lv *lv, const char *uuid)
{
	g_mutex_lock(&lv->lock);
	struct lv_memory *memory = lv_memory(lv, uuid);
	memory->left_alone = FALSE;
	g_clear_pointer(&memory->held, g_free);
	g_cond_broadcast(&lv->changed);
	g_mutex_unlock(&lv->lock);
}

static int
on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
	struct lv *lv = opaque;
	g_autofree char *uuid = uuid_of(dom);
	if (event == VIR_DOMAIN_EVENT_STARTED) {
		g_mutex_lock(&lv->lock);
		g_clear_pointer(&lv_memory(lv, uuid)->off_since, g_free);
		g_mutex_unlock(&lv->lock);
		hv_sink_emit(lv->sink, HV_EVENT_STARTED, uuid, NULL);
	} else if (event == VIR_DOMAIN_EVENT_STOPPED) {
		forget_memory(lv, uuid);
		hv_sink_emit(lv->sink, HV_EVENT_STOPPED, uuid,
			     detail == VIR_DOMAIN_EVENT_STOPPED_CRASHED	 ? "it crashed"
			     : detail == VIR_DOMAIN_EVENT_STOPPED_FAILED ? "QEMU failed"
									 : NULL);
	} else {
		hv_sink_emit(lv->sink, HV_EVENT_CHANGED, uuid, NULL);
	}
	return 0;
}

static gboolean
is_backup(virTypedParameterPtr params, int nparams)
{
	int operation = 0;
	return virTypedParamsGetInt(params, nparams, VIR_DOMAIN_JOB_OPERATION, &operation) == 1 &&
	       operation == VIR_DOMAIN_JOB_OPERATION_BACKUP;
}

static void
on_job(virConnectPtr conn, virDomainPtr dom, virTypedParameterPtr params, int nparams, void *opaque)
{
	struct lv *lv = opaque;
	if (!is_backup(params, nparams))
		return;
	g_autofree char *uuid = uuid_of(dom);
	const char *why = NULL;
	virTypedParamsGetString(params, nparams, VIR_DOMAIN_JOB_ERRMSG, &why);
	g_mutex_lock(&lv->lock);
	struct lv_memory *memory = lv_memory(lv, uuid);
	gboolean news = memory->held && !memory->ending;
	g_clear_pointer(&memory->held, g_free);
	g_cond_broadcast(&lv->changed);
	g_mutex_unlock(&lv->lock);
	if (news)
		hv_sink_emit(lv->sink, HV_EVENT_BACKUP_ENDED, uuid,
			     why ? why : "the backup job was ended by somebody else");
}

/* QEMU tells once and forgets the threshold. @device is "vda[7]" for a scratch file of a job; a
 * disk itself has no index or is somebody else's threshold. */
static void
on_threshold(virConnectPtr conn, virDomainPtr dom, const char *device, const char *path,
	     unsigned long long threshold, unsigned long long excess, void *opaque)
{
	struct lv *lv = opaque;
	g_autofree char *uuid = uuid_of(dom);
	g_mutex_lock(&lv->lock);
	const char *held = lv_memory(lv, uuid)->held;
	gboolean ours = held && path && strstr(path, held);
	g_mutex_unlock(&lv->lock);
	if (!ours)
		return;
	g_autofree char *text = g_strdup_printf("\"%s\" is over %llu bytes", path, threshold);
	hv_sink_emit(lv->sink, HV_EVENT_SCRATCH_FULL, uuid, text);
}

/* libvirt sends this when QEMU could not be started, among others. */
static void
on_control_error(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
	struct lv *lv = opaque;
	g_autofree char *uuid = uuid_of(dom);
	if (lv_serving(lv, uuid))
		hv_sink_emit(lv->sink, HV_EVENT_START_BLOCKED, uuid,
			     "a start failed because its images are being exported");
}

static const struct {
	int id;
	virConnectDomainEventGenericCallback fn;
} wanted[LV_EVENTS] = {
	{VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
	{VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_CALLBACK(on_job)},
	{VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD, VIR_DOMAIN_EVENT_CALLBACK(on_threshold)},
	{VIR_DOMAIN_EVENT_ID_CONTROL_ERROR, VIR_DOMAIN_EVENT_CALLBACK(on_control_error)},
};

gboolean
lv_events_register(struct lv *lv, virConnectPtr conn, GError **error)
{
	for (gsize i = 0; i < LV_EVENTS; i++) {
		lv->event_ids[i] = virConnectDomainEventRegisterAny(conn, NULL, wanted[i].id,
								    wanted[i].fn, lv, NULL);
		if (lv->event_ids[i] < 0)
			return lv_fail(error, "cannot listen to libvirt's events");
	}
	return TRUE;
}

/* Callbacks hold a reference of their connection, also of one that broke. */
void
lv_events_unregister(struct lv *lv, virConnectPtr conn)
{
	for (gsize i = 0; i < LV_EVENTS; i++)
		virConnectDomainEventDeregisterAny(conn, lv->event_ids[i]);
}

static void
on_timer(int timer, void *opaque)
{
	lv_servers_look(opaque);
}

void
lv_events_start(struct lv *lv)
{
	lv->timer = virEventAddTimeout(-1, on_timer, lv, NULL);
}

void
lv_events_look(struct lv *lv, gboolean on)
{
	virEventUpdateTimeout(lv->timer, on ? LOOK_MSEC : -1);
}

struct full {
	struct lv *lv;
	char *vm;
	char *path;
};

static void
full_free(void *opaque)
{
	struct full *full = opaque;
	g_free(full->vm);
	g_free(full->path);
	g_free(full);
}

static void
on_full(int timer, void *opaque)
{
	struct full *full = opaque;
	g_autofree char *text = g_strdup_printf("\"%s\" is over its limit", full->path);
	hv_sink_emit(full->lv->sink, HV_EVENT_SCRATCH_FULL, full->vm, text);
	virEventRemoveTimeout(timer);
}

void
lv_events_full(struct lv *lv, const char *vm, const char *path)
{
	struct full *full = g_new0(struct full, 1);
	full->lv = lv;
	full->vm = g_strdup(vm);
	full->path = g_strdup(path);
	virEventAddTimeout(0, on_full, full, full_free);
}

struct turn {
	GMutex lock;
	GCond cond;
	gboolean done;
};

static void
on_turn(int timer, void *opaque)
{
	struct turn *turn = opaque;
	virEventRemoveTimeout(timer);
	g_mutex_lock(&turn->lock);
	turn->done = TRUE;
	g_cond_signal(&turn->cond);
	g_mutex_unlock(&turn->lock);
}

/* When the loop thread has made a turn, no callback that was taken out before still runs. */
void
lv_events_stop(struct lv *lv)
{
	if (lv->timer >= 0)
		virEventRemoveTimeout(lv->timer);
	struct turn turn = {.done = FALSE};
	g_mutex_init(&turn.lock);
	g_cond_init(&turn.cond);
	g_mutex_lock(&turn.lock);
	virEventAddTimeout(0, on_turn, &turn, NULL);
	while (!turn.done)
		g_cond_wait(&turn.cond, &turn.lock);
	g_mutex_unlock(&turn.lock);
	g_mutex_clear(&turn.lock);
	g_cond_clear(&turn.cond);
}
