/* The libvirt driver: its connections. They are opened at once, checked before each call and made
 * anew when libvirtd went away. What is done over them is in libvirt_*.c. */
#include "hypervisor/libvirt.h"

#include "base/error.h"
#include "base/guid.h"

#include <libvirt/virterror.h>
#include <libxml/uri.h>
#include <string.h>
#include <unistd.h>

/* How long a call waits for a libvirtd that is being restarted. */
#define RECONNECT_USEC	(10 * G_USEC_PER_SEC)
#define RECONNECT_AGAIN (100 * 1000)
/* A libvirtd that says nothing for KEEPALIVE_SECS * KEEPALIVE_COUNT seconds is gone. */
#define KEEPALIVE_SECS	 5
#define KEEPALIVE_COUNT	 4
#define HELD_DIR_OF_HOST "/run/cairn/held"
#define PORT_MAX	 65535

static const struct {
	int libvirt;
	int ours;
} error_codes[] = {
	{VIR_ERR_NO_DOMAIN, CAIRN_ERROR_NOT_FOUND},
	{VIR_ERR_NO_DOMAIN_CHECKPOINT, CAIRN_ERROR_NOT_FOUND},
	{VIR_ERR_OPERATION_INVALID, CAIRN_ERROR_STATE},
	{VIR_ERR_CHECKPOINT_INCONSISTENT, CAIRN_ERROR_STATE},
	{VIR_ERR_OPERATION_UNSUPPORTED, CAIRN_ERROR_STATE},
	{VIR_ERR_CONFIG_UNSUPPORTED, CAIRN_ERROR_STATE},
	{VIR_ERR_ARGUMENT_UNSUPPORTED, CAIRN_ERROR_STATE},
	{VIR_ERR_AGENT_UNSYNCED, CAIRN_ERROR_PEER},
	{VIR_ERR_AGENT_UNRESPONSIVE, CAIRN_ERROR_PEER},
	{VIR_ERR_RESOURCE_BUSY, CAIRN_ERROR_BUSY},
	{VIR_ERR_OPERATION_TIMEOUT, CAIRN_ERROR_BUSY},
	{VIR_ERR_OPERATION_DENIED, CAIRN_ERROR_DENIED},
	{VIR_ERR_ACCESS_DENIED, CAIRN_ERROR_DENIED},
	{VIR_ERR_AUTH_FAILED, CAIRN_ERROR_DENIED},
	{VIR_ERR_AUTH_CANCELLED, CAIRN_ERROR_DENIED},
	{VIR_ERR_INVALID_ARG, CAIRN_ERROR_INVALID},
};

static int
error_code(const virError *error)
{
	for (gsize i = 0; error && i < G_N_ELEMENTS(error_codes); i++)
		if (error->code == error_codes[i].libvirt)
			return error_codes[i].ours;
	return CAIRN_ERROR_PEER;
}

gboolean
lv_fail(GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	const virError *last = virGetLastError();
	g_set_error(error, CAIRN_ERROR, error_code(last), "%s: %s", text,
		    last && last->message ? last->message : "libvirt does not say why");
	return FALSE;
}

gboolean
lv_error_is(int code)
{
	const virError *last = virGetLastError();
	return last && last->code == code;
}

static void
on_close(virConnectPtr conn, int reason, void *opaque)
{
	struct lv *lv = opaque;
	gboolean first = FALSE;
	g_mutex_lock(&lv->lock);
	for (guint i = 0; i < LV_CONNECTIONS; i++)
		if (lv->conns[i] == conn) {
			lv->broken[i] = TRUE;
			first = i == 0;
		}
	gboolean tell = first && !lv->closing;
	g_cond_broadcast(&lv->changed);
	g_mutex_unlock(&lv->lock);
	if (tell)
		hv_sink_emit(lv->sink, HV_EVENT_DISCONNECTED, NULL,
			     reason == VIR_CONNECT_CLOSE_REASON_KEEPALIVE
				     ? "libvirt does not answer"
				     : "the connection to libvirt broke");
}

static virConnectPtr
connect_once(struct lv *lv, guint index, GError **error)
{
	virConnectPtr conn = virConnectOpen(lv->uri);
	if (!conn) {
		lv_fail(error, "cannot connect to \"%s\"", lv->uri);
		return NULL;
	}
	/* The embedded driver has neither keepalive nor a connection that could close. */
	virConnectSetKeepAlive(conn, KEEPALIVE_SECS, KEEPALIVE_COUNT);
	virConnectRegisterCloseCallback(conn, on_close, lv, NULL);
	if (index == 0 && !lv_events_register(lv, conn, error)) {
		virConnectUnregisterCloseCallback(conn, on_close);
		virConnectClose(conn);
		return NULL;
	}
	return conn;
}

static void
drop(struct lv *lv, guint index, virConnectPtr conn)
{
	if (!conn)
		return;
	if (index == 0)
		lv_events_unregister(lv, conn);
	virConnectUnregisterCloseCallback(conn, on_close);
	virConnectClose(conn);
}

/* The connection that is there and works, with a reference of its own. */
static virConnectPtr
working(struct lv *lv, guint index)
{
	g_mutex_lock(&lv->lock);
	virConnectPtr conn = lv->conns[index];
	gboolean ok = conn && !lv->broken[index];
	if (ok)
		virConnectRef(conn);
	g_mutex_unlock(&lv->lock);
	if (ok && virConnectIsAlive(conn) == 1)
		return conn;
	if (ok)
		virConnectClose(conn);
	return NULL;
}

/* Puts @conn (NULL: nothing) where the old connection was, and takes a reference for the caller. */
static void
replace(struct lv *lv, guint index, virConnectPtr conn)
{
	g_mutex_lock(&lv->lock);
	virConnectPtr old = lv->conns[index];
	lv->conns[index] = conn;
	lv->broken[index] = FALSE;
	if (conn)
		virConnectRef(conn);
	g_mutex_unlock(&lv->lock);
	drop(lv, index, old);
}

static virConnectPtr
reconnect(struct lv *lv, guint index, GError **error)
{
	gint64 deadline = g_get_monotonic_time() + RECONNECT_USEC;
	g_autoptr(GError) first = NULL;
	replace(lv, index, NULL);
	for (;;) {
		virConnectPtr conn = connect_once(lv, index, first ? NULL : &first);
		if (conn) {
			replace(lv, index, conn);
			return conn;
		}
		if (g_get_monotonic_time() > deadline)
			break;
		g_usleep(RECONNECT_AGAIN);
	}
	g_propagate_error(error, g_steal_pointer(&first));
	return NULL;
}

static virConnectPtr
connection_or_new(struct lv *lv, guint index, GError **error)
{
	virConnectPtr conn = working(lv, index);
	if (conn)
		return conn;
	g_mutex_lock(&lv->connecting);
	conn = working(lv, index);
	if (!conn)
		conn = reconnect(lv, index, error);
	g_mutex_unlock(&lv->connecting);
	return conn;
}

virConnectPtr
lv_connection(struct lv *lv, guint index, GError **error)
{
	index %= LV_CONNECTIONS;
	/* The first one carries the events, so it must come back whoever calls. */
	if (index != 0) {
		virConnectPtr first = connection_or_new(lv, 0, error);
		if (!first)
			return NULL;
		virConnectClose(first);
	}
	return connection_or_new(lv, index, error);
}

struct lv_memory *
lv_memory(struct lv *lv, const char *uuid)
{
	struct lv_memory *memory = g_hash_table_lookup(lv->memories, uuid);
	if (!memory) {
		memory = g_new0(struct lv_memory, 1);
		g_hash_table_insert(lv->memories, g_strdup(uuid), memory);
	}
	return memory;
}

static void
memory_free(struct lv_memory *memory)
{
	if (memory->dom)
		virDomainFree(memory->dom);
	g_free(memory->held);
	g_free(memory->off_since);
	g_free(memory);
}

/* One machine always goes over the same connection, and its handle is kept: one round trip less
 * where guests wait. */
virDomainPtr
lv_domain(struct lv *lv, const char *uuid, GError **error)
{
	virConnectPtr conn = lv_connection(lv, g_str_hash(uuid), error);
	if (!conn)
		return NULL;
	g_mutex_lock(&lv->lock);
	virDomainPtr dom = lv_memory(lv, uuid)->dom;
	if (dom && virDomainGetConnect(dom) == conn)
		virDomainRef(dom);
	else
		dom = NULL;
	g_mutex_unlock(&lv->lock);
	if (!dom) {
		dom = virDomainLookupByUUIDString(conn, uuid);
		if (!dom)
			lv_fail(error, "cannot find the machine");
	}
	if (dom) {
		g_mutex_lock(&lv->lock);
		struct lv_memory *memory = lv_memory(lv, uuid);
		if (memory->dom != dom) {
			if (memory->dom)
				virDomainFree(memory->dom);
			virDomainRef(dom);
			memory->dom = dom;
		}
		g_mutex_unlock(&lv->lock);
	}
	virConnectClose(conn);
	return dom;
}

gboolean
lv_lost(virDomainPtr dom)
{
	return virConnectIsAlive(virDomainGetConnect(dom)) != 1;
}

/* Takes "NAME=value" out of a URI's query. Returns the value, or NULL. */
static char *
take_parameter(char **query, const char *name)
{
	if (!*query)
		return NULL;
	char *value = NULL;
	g_auto(GStrv) parts = g_strsplit(*query, "&", -1);
	g_autoptr(GString) rest = g_string_new(NULL);
	g_autofree char *prefix = g_strconcat(name, "=", NULL);
	for (char **part = parts; *part; part++) {
		if (!value && g_str_has_prefix(*part, prefix))
			value = g_uri_unescape_string(*part + strlen(prefix), NULL);
		else
			g_string_append_printf(rest, "%s%s", rest->len ? "&" : "", *part);
	}
	g_free(*query);
	*query = rest->len ? g_string_free(g_steal_pointer(&rest), FALSE) : NULL;
	return value;
}

/* "HOST:FIRST-LAST" */
static gboolean
parse_nbd(struct lv *lv, const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 2);
	g_auto(GStrv) range = g_strsplit(parts[0] && parts[1] ? parts[1] : "", "-", 2);
	guint64 first = 0, last = 0;
	gboolean ok =
		range[0] && g_ascii_string_to_unsigned(range[0], 10, 1, PORT_MAX, &first, NULL);
	last = first;
	if (ok && range[1])
		ok = g_ascii_string_to_unsigned(range[1], 10, first, PORT_MAX, &last, NULL);
	if (!ok || !*parts[0]) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "cairn_nbd is \"HOST:FIRST-LAST\", not \"%s\"", text);
		return FALSE;
	}
	lv->nbd_host = g_strdup(parts[0]);
	lv->nbd_first = (guint)first;
	lv->nbd_last = (guint)last;
	return TRUE;
}

static gboolean
is_local(const xmlURI *uri)
{
	if (!uri->server || !*uri->server)
		return TRUE;
	return g_str_equal(uri->server, "localhost") || g_str_equal(uri->server, "127.0.0.1") ||
	       g_str_equal(uri->server, "::1");
}

static gboolean
parse_uri(struct lv *lv, const char *text, GError **error)
{
	xmlURIPtr uri = xmlParseURI(text);
	if (!uri || !uri->scheme) {
		xmlFreeURI(uri);
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "\"%s\" is not a URI", text);
		return FALSE;
	}
	g_autofree char *query = g_strdup(uri->query_raw);
	g_autofree char *nbd = take_parameter(&query, "cairn_nbd");
	lv->held_dir = take_parameter(&query, "cairn_held");
	const char *mark = strchr(text, '?');
	g_autofree char *plain = mark ? g_strndup(text, (gsize)(mark - text)) : g_strdup(text);
	lv->uri = query ? g_strconcat(plain, "?", query, NULL) : g_strdup(plain);
	lv->local = is_local(uri) && !nbd;
	if (uri->path && g_str_equal(uri->path, "/embed"))
		lv->root = take_parameter(&query, "root");
	else if (lv->local && !lv->held_dir && uri->path && g_str_equal(uri->path, "/system"))
		lv->held_dir = g_strdup(HELD_DIR_OF_HOST);
	xmlFreeURI(uri);
	return !nbd || parse_nbd(lv, nbd, error);
}

/* "<model>dac</model> ... <baselabel type='kvm'>+64055:+107</baselabel>": QEMU's user and group. */
static void
learn_user(struct lv *lv, virConnectPtr conn)
{
	lv->uid = (uid_t)-1;
	lv->gid = (gid_t)-1;
	g_autofree char *xml = virConnectGetCapabilities(conn);
	const char *dac = xml ? strstr(xml, "<model>dac</model>") : NULL;
	const char *label = dac ? strstr(dac, "<baselabel") : NULL;
	const char *text = label ? strchr(label, '>') : NULL;
	guint uid = 0, gid = 0;
	if (text && sscanf(text, ">+%u:+%u<", &uid, &gid) == 2) {
		lv->uid = uid;
		lv->gid = gid;
	}
}

static void lv_close(void *self);

static void
silent(void *user_data, virErrorPtr error)
{
}

static void *
lv_open(const char *uri, struct hv_sink *sink, GError **error)
{
	/* By default libvirt prints every error on stderr, also those we expect. */
	virSetErrorFunc(NULL, silent);
	if (virInitialize() < 0) {
		lv_fail(error, "cannot start libvirt's library");
		return NULL;
	}
	lv_loop_start();
	struct lv *lv = g_new0(struct lv, 1);
	lv->sink = sink;
	g_mutex_init(&lv->lock);
	g_mutex_init(&lv->connecting);
	g_cond_init(&lv->changed);
	lv->memories =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)memory_free);
	lv->servers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					    (GDestroyNotify)lv_server_free);
	lv->timer = -1;
	gboolean ok = parse_uri(lv, uri, error);
	for (guint i = 0; ok && i < LV_CONNECTIONS; i++) {
		lv->conns[i] = connect_once(lv, i, error);
		ok = lv->conns[i] != NULL;
	}
	if (!ok) {
		lv_close(lv);
		return NULL;
	}
	learn_user(lv, lv->conns[0]);
	lv_events_start(lv);
	return lv;
}

static void
lv_close(void *self)
{
	struct lv *lv = self;
	g_mutex_lock(&lv->lock);
	lv->closing = TRUE;
	g_mutex_unlock(&lv->lock);
	g_hash_table_remove_all(lv->servers);
	for (guint i = 0; i < LV_CONNECTIONS; i++)
		drop(lv, i, lv->conns[i]);
	lv_events_stop(lv);
	g_hash_table_unref(lv->servers);
	g_hash_table_unref(lv->memories);
	g_mutex_clear(&lv->lock);
	g_mutex_clear(&lv->connecting);
	g_cond_clear(&lv->changed);
	g_free(lv->uri);
	g_free(lv->root);
	g_free(lv->nbd_host);
	g_free(lv->held_dir);
	g_free(lv);
}

static gboolean
takes(const char *uri)
{
	return g_str_has_prefix(uri, "qemu:") || g_str_has_prefix(uri, "qemu+");
}

const struct hv_driver hv_driver_libvirt = {
	.name = "libvirt",
	.takes = takes,
	.open = lv_open,
	.close = lv_close,
	.list = lv_list,
	.lookup = lv_lookup,
	.address = lv_address,
	.prepare = lv_prepare,
	.freeze = lv_freeze,
	.thaw = lv_thaw,
	.suspend = lv_suspend,
	.resume = lv_resume,
	.begin = lv_begin,
	.save_state = lv_save_state,
	.serve = lv_serve,
	.unserve = lv_unserve,
	.changes_context = lv_changes_context,
	.usage = lv_usage,
	.watch = lv_watch,
	.end = lv_end,
	.forget = lv_forget,
	.check_base = lv_check_base,
};
