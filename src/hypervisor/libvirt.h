/* What the files libvirt*.c share: the connections, what is known about each machine, and how an
 * error of libvirt becomes one of ours. Nothing outside this folder includes it. */
#pragma once

#include "hypervisor/driver.h"

#include <libvirt/libvirt.h>
#include <sys/types.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, virDomainFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomainCheckpoint, virDomainCheckpointFree)

/* libvirtd works on 5 calls per client at a time (max_client_requests): several connections let the
 * members of a larger group be paused together. */
#define LV_CONNECTIONS 4
#define LV_EVENTS      4

struct lv_server; /* libvirt_serve.c */

/* What this process remembers about a machine; all of it can be lost without harm. */
struct lv_memory {
	gboolean left_alone; /* suspend found it paused: resume must not resume it */
	gboolean ending;     /* we are ending the job: its end is no news */
	gboolean claimed;    /* by a thread that looks which job runs and ends it */
	char *held;	     /* the point of ours whose job runs */
	char *off_since;  /* the point that was begun while it was off, if it has not run since */
	guint port;	  /* the TCP port given out for its data; 0: none */
	virDomainPtr dom; /* a handle of the connection it was looked up with */
};

struct lv {
	char *uri;	/* for libvirt: without our own parameters */
	char *root;	/* of qemu:///embed; NULL */
	gboolean local; /* QEMU and we see the same files */
	char *nbd_host; /* serve over TCP there; NULL: unix sockets */
	guint nbd_first, nbd_last;
	char *held_dir; /* marker files for the start hook; NULL: none */
	struct hv_sink *sink;
	uid_t uid; /* QEMU's user, (uid_t)-1: our own */
	gid_t gid;
	int timer; /* of the event loop, looks at marker files */

	GMutex connecting; /* held while a connection is made; taken before @lock */
	GMutex lock;	   /* all below */
	GCond changed;	   /* a job ended, a machine stopped or is no longer claimed */
	virConnectPtr conns[LV_CONNECTIONS];
	int event_ids[LV_EVENTS]; /* of the first connection */
	gboolean broken[LV_CONNECTIONS];
	gboolean closing;
	GHashTable *memories; /* UUID -> struct lv_memory */
	GHashTable *servers;  /* UUID -> struct lv_server */
};

/* Makes @error of libvirt's last error, FORMAT before it. Returns FALSE. */
gboolean lv_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
gboolean lv_error_is(int code);

/* A connection (unref with virConnectClose), made anew when it broke. PEER after a deadline. */
virConnectPtr lv_connection(struct lv *lv, guint index, GError **error);
/* A handle of the machine (virDomainFree), NOT_FOUND. */
virDomainPtr lv_domain(struct lv *lv, const char *uuid, GError **error);
/* Whether the connection below @dom broke, so that a call that may be repeated should be. */
gboolean lv_lost(virDomainPtr dom);
/* Call with lv->lock held; never NULL. */
struct lv_memory *lv_memory(struct lv *lv, const char *uuid);

/* libvirt_event.c: the loop thread of this process, and the events of the first connection. */
void lv_loop_start(void);
gboolean lv_events_register(struct lv *lv, virConnectPtr conn, GError **error);
void lv_events_unregister(struct lv *lv, virConnectPtr conn);
void lv_events_start(struct lv *lv);
/* lv_servers_look() now and then, or not. Call with lv->lock held. */
void lv_events_look(struct lv *lv, gboolean on);
/* SCRATCH_FULL, later and from the loop thread. */
void lv_events_full(struct lv *lv, const char *vm, const char *path);
/* Returns when no callback of the loop thread can touch @lv any more. */
void lv_events_stop(struct lv *lv);

/* libvirt_info.c */
GPtrArray *lv_list(void *self, GError **error);
struct hv_vm *lv_lookup(void *self, const char *uuid_or_name, GError **error);
struct hv_vm *lv_describe(struct lv *lv, virDomainPtr dom, GError **error);
/* The state; HV_OTHER and FALSE when it cannot be asked. */
gboolean lv_state(virDomainPtr dom, enum hv_state *ret_state, GError **error);
/* Of a machine's XML: the file of its UEFI variables (NULL: none), and whether it has a TPM of
 * swtpm. */
char *lv_nvram_path(const char *xml);
gboolean lv_has_tpm(const char *xml);
struct hv_disk *lv_find_disk(const struct hv_vm *vm, const char *target);
/* The running backup job's XML, or NULL when there is none (no error) or it cannot be asked. */
char *lv_backup_xml(virDomainPtr dom, gboolean *ret_failed, GError **error);
/* The name of the point of ours that a job's XML serves, or NULL: it is foreign. */
char *lv_backup_name(const char *xml);
/* "vda[7]": how libvirt calls the scratch file of @target in that job, or NULL. */
char *lv_backup_scratch_node(const char *xml, const char *target);
/* The TCP ports of NBD servers in a job's XML are put to @ports. */
void lv_backup_ports(const char *xml, GHashTable *ports);

/* libvirt_guest.c */
gboolean lv_freeze(void *self, const char *vm, guint *ret_filesystems, GError **error);
gboolean lv_thaw(void *self, const char *vm, guint *ret_frozen, GError **error);
gboolean lv_suspend(void *self, const char *vm, GError **error);
gboolean lv_resume(void *self, const char *vm, GError **error);

/* libvirt_prepare.c */
char *lv_address(void *self, const char *vm, const char *path, GError **error);
gboolean lv_prepare(void *self, const struct hv_point *point, guint agent_timeout, GError **error);
/* Files of ours beside the scratch files: "NAME.VM.prepared", "NAME.VM.offline". Free with
 * g_free(). */
char *lv_side_file(const struct hv_point *point, const char *suffix);

/* libvirt_backup.c */
gboolean lv_begin(void *self, const struct hv_point *point, GError **error);
gboolean lv_end(void *self, const struct hv_point *point, GError **error);
gboolean lv_usage(void *self, const struct hv_point *point, guint64 *ret_used, guint64 *ret_free,
		  GError **error);
gboolean lv_watch(void *self, const struct hv_point *point, guint64 bytes, GError **error);

/* libvirt_checkpoint.c */
char *lv_checkpoint_xml(const char *name, gint64 created, const char *const *targets);
gboolean lv_checkpoint_create(virDomainPtr dom, const struct hv_point *point, gboolean redefine,
			      GError **error);
/* What the XML of a checkpoint with sizes says about the bitmap of @target. */
enum lv_disk { LV_DISK_ABSENT, LV_DISK_BROKEN, LV_DISK_WHOLE };
enum lv_disk lv_checkpoint_disk(const char *xml, const char *target);
gboolean lv_forget(void *self, const char *vm, const char *name, GError **error);
gboolean lv_check_base(void *self, const char *vm, const char *name, const char *target,
		       char **ret_reason, GError **error);

/* libvirt_serve.c */
gboolean lv_serve(void *self, const struct hv_point *point, GError **error);
gboolean lv_unserve(void *self, const struct hv_point *point, GError **error);
char *lv_changes_context(void *self, const struct hv_point *point,
			 const struct hv_point_disk *disk);
void lv_server_free(struct lv_server *server);
/* Whether the images of @vm are served now. */
gboolean lv_serving(struct lv *lv, const char *vm);
/* Emits START_BLOCKED for machines whose start the hook refused since the last time. */
void lv_servers_look(struct lv *lv);
gboolean lv_offline_remember(const struct hv_point *point, const struct hv_vm *vm, GError **error);

/* libvirt_save.c */
gboolean lv_save_state(void *self, const char *vm, const char *dir, char ***ret_files,
		       GError **error);
