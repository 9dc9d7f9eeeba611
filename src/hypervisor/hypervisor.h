/* The hypervisor's door: virtual machines, and the steps of a reference point over one of them.
 * What is done to a group, in which order, and what is undone, core/ decides; a driver does one
 * step on one machine and tells the truth about it. Drivers: libvirt.c and fake.c (faults, tests).
 *
 * All functions block and may be called from any thread at the same time; the driver holds what
 * locks it needs (but calls about one machine come one after another). All undo steps (thaw,
 * resume, end, forget) are idempotent: doing them when there is nothing to undo succeeds. A machine
 * is named by its upper-case UUID. */
#pragma once

#include "base/auto.h"

#include <glib.h>

struct hypervisor;

/* Every name of ours in libvirt and QEMU begins so; what does not is foreign and never touched. */
#define HV_OURS "cairn-"

enum hv_state {
	HV_SHUTOFF,
	HV_RUNNING,
	HV_PAUSED, /* by a person or by an I/O error: it takes part, and is not resumed by us */
	HV_OTHER,  /* shutting down, crashed, migrating: cannot take part now */
};
const char *hv_state_name(enum hv_state state);

struct hv_disk {
	char *target;	    /* "vda" */
	char *path;	    /* image file or block device; NULL for network disks */
	char *format;	    /* "qcow2", "raw" */
	guint64 size;	    /* virtual size, bytes; 0 when it could not be read */
	gboolean trackable; /* changes can be tracked and the data held (qcow2 v3, writable) */
	char *reason;	    /* why not, for a person; NULL when trackable */
};

struct hv_vm {
	char *uuid;
	char *name;
	enum hv_state state;
	gboolean agent; /* a guest agent answers (channel connected) */
	gboolean persistent;
	gboolean has_nvram; /* UEFI variables */
	gboolean has_tpm;   /* an emulated TPM */
	GPtrArray
		*disks; /* struct hv_disk: file and block disks that are not read-only or CD-ROM */
	char *busy;	/* a foreign backup or other job of libvirt on this machine, for a person */
	char *backup;	/* the name of our point whose data is being held now; NULL */
	GPtrArray *points; /* char *: checkpoint names of ours (HV_OURS...) that libvirt knows */
};
struct hv_vm *hv_vm_new(void); /* with empty arrays */
struct hv_disk *hv_disk_new(const char *target);
void hv_vm_free(struct hv_vm *vm);
CAIRN_DEFINE_AUTO(hv_vm, hv_vm_free)

/* One machine's part of a point: what begin and its neighbours need. Owned by the caller. */
struct hv_point_disk {
	char *target;
	char *base;    /* checkpoint name to compute changes from, or NULL: no tracking yet */
	char *scratch; /* file for the old blocks (copy-before-write), made by prepare. Its file
			* name or its folder's begins with the point's name: that is how a job of
			* ours is known */
	guint64 size;  /* bytes; set by the caller from struct hv_disk */
	gboolean untracked; /* not trackable (raw, ...): its data is held, but it gets no bitmap */
};
struct hv_point {
	char *vm;	  /* UUID */
	char *name;	  /* checkpoint, bitmap and job name: HV_OURS + point GUID */
	char *socket;	  /* NBD server of the held data: an absolute path, or "tcp:HOST:PORT", as
			   * hypervisor_address() says; export names are the targets */
	GPtrArray *disks; /* struct hv_point_disk: those that take part */
};
struct hv_point *hv_point_new(const char *vm, const char *name, const char *socket);
/* The new disk is owned by @point. */
struct hv_point_disk *hv_point_add(struct hv_point *point, const char *target, const char *base,
				   const char *scratch, guint64 size);
void hv_point_free(struct hv_point *point);
CAIRN_DEFINE_AUTO(hv_point, hv_point_free)

/* Events come from a thread of the driver. The handler copies what it needs and returns at once. */
enum hv_event_type {
	HV_EVENT_STARTED,
	HV_EVENT_STOPPED,	/* the machine is off: held data is gone */
	HV_EVENT_START_BLOCKED, /* a start failed while we hold the images of a shut-off machine */
	HV_EVENT_BACKUP_ENDED,	/* our backup job ended though we did not end it */
	HV_EVENT_SCRATCH_FULL,	/* a scratch file passed its threshold */
	HV_EVENT_CHANGED,	/* anything else in a machine's life: defined, paused, ... */
	HV_EVENT_DISCONNECTED,	/* the connection to libvirt broke; calls reconnect */
};
struct hv_event {
	enum hv_event_type type;
	const char *vm;	     /* UUID; NULL for DISCONNECTED */
	const char *message; /* for a person; may be NULL */
};
typedef void (*hv_event_fn)(const struct hv_event *event, void *user_data);

/* @uri as libvirt's, or "fake:///". PEER when the hypervisor does not answer. */
struct hypervisor *hypervisor_open(const char *uri, GError **error);
void hypervisor_close(struct hypervisor *hv);
CAIRN_DEFINE_AUTO(hypervisor, hypervisor_close)
const char *hypervisor_uri(const struct hypervisor *hv);
void hypervisor_set_events(struct hypervisor *hv, hv_event_fn fn, void *user_data);

/* All machines (struct hv_vm, free function set), or one by UUID or name: NOT_FOUND. */
GPtrArray *hypervisor_list(struct hypervisor *hv, GError **error);
struct hv_vm *hypervisor_lookup(struct hypervisor *hv, const char *uuid_or_name, GError **error);

/* Where the data of a point of @vm can be served: @path itself when QEMU and we share a file
 * system, "tcp:HOST:PORT" for a remote host (the connection's URI then says
 * "cairn_nbd=HOST:FIRST-LAST", INVALID if not; LIMIT when no port is left). What it returns goes to
 * point->socket. Free with g_free(). */
char *hypervisor_address(struct hypervisor *hv, const char *vm, const char *path, GError **error);

/* 0. Everything that can be done before the pause: scratch files (qcow2 of the disk's size, owned
 * by QEMU's user), the socket's folder, the agent time-out (@agent_timeout seconds), syncfs() of
 * the images' file systems, and the checkpoint itself, which is the larger half of the time begin
 * would take: its bitmap records from here, so it tells a few blocks more than what changes after
 * the instant, never fewer. Undone by end, which takes such a checkpoint away unless begin
 * succeeded. */
gboolean hypervisor_prepare(struct hypervisor *hv, const struct hv_point *point,
			    guint agent_timeout, GError **error);
/* 1. Flushes and freezes the guest's file systems through its agent. STATE without an agent, PEER
 * when it does not answer in time: then thaw must be called all the same. */
gboolean hypervisor_freeze(struct hypervisor *hv, const char *vm, guint *ret_filesystems,
			   GError **error);
/* *@ret_frozen counts the file systems that were still frozen: 0 after a freeze means that the
 * guest thawed by itself and the point is not application consistent. May be NULL. */
gboolean hypervisor_thaw(struct hypervisor *hv, const char *vm, guint *ret_frozen, GError **error);
/* 2. All CPUs stop and all I/O is flushed. A machine that is not running is left alone: success,
 * and resume leaves it alone too. */
gboolean hypervisor_suspend(struct hypervisor *hv, const char *vm, GError **error);
gboolean hypervisor_resume(struct hypervisor *hv, const char *vm, GError **error);
/* 3. Starts the backup job: from here the data of this instant is held (running and paused
 * machines) or marked (shut-off: prepare added the bitmap to the image; hypervisor_serve). Needs
 * prepare before. On failure call end and forget. STATE when the machine was started or stopped
 * since prepare. */
gboolean hypervisor_begin(struct hypervisor *hv, const struct hv_point *point, GError **error);
/* 4. Copies the configuration (config.xml: inactive XML; live.xml), UEFI variables and TPM state to
 * the folder @dir, which exists. *@ret_files: names relative to @dir of the guest state files
 * ("nvram.fd", "tpm/..."), free with g_strfreev(). Quick, because guests wait: the caller syncs
 * @dir later. A remote host's files cannot be read: then *@ret_files is empty though hv_vm says
 * has_nvram or has_tpm. */
gboolean hypervisor_save_state(struct hypervisor *hv, const char *vm, const char *dir,
			       char ***ret_files, GError **error);

/* The held data as NBD on point->socket. For a running machine the backup job serves already; for a
 * shut-off one this starts a read-only server, which keeps the machine from starting, and fails
 * with STATE when an image has changed since begin (the machine ran). Both offer the changes since
 * each disk's base. Idempotent: after a restart of the daemon call it again. STATE when the data is
 * gone. hypervisor_end and hypervisor_unserve stop it (unserve leaves the job of a running machine
 * alone). */
gboolean hypervisor_serve(struct hypervisor *hv, const struct hv_point *point, GError **error);
gboolean hypervisor_unserve(struct hypervisor *hv, const struct hv_point *point, GError **error);
/* After serve: the NBD metadata context in which the changes since disk->base are offered there,
 * e.g. "qemu:dirty-bitmap:backup-vda"; NULL when the disk has no base. Free with g_free(). */
char *hypervisor_changes_context(struct hypervisor *hv, const struct hv_point *point,
				 const struct hv_point_disk *disk);

/* Bytes in the scratch files of the job that holds @point's data now, and their limit's rest on the
 * file system. */
gboolean hypervisor_usage(struct hypervisor *hv, const struct hv_point *point, guint64 *ret_used,
			  guint64 *ret_free, GError **error);
/* HV_EVENT_SCRATCH_FULL once any scratch file of @point is over @bytes. 0 removes the watch. */
gboolean hypervisor_watch(struct hypervisor *hv, const struct hv_point *point, guint64 bytes,
			  GError **error);

/* Lets the held data go: our backup job, server, scratch files and socket, and nothing else. The
 * checkpoint stays. Undo needs of @point only the names: sizes and bases may be missing, and there
 * may be no disks at all. */
gboolean hypervisor_end(struct hypervisor *hv, const struct hv_point *point, GError **error);
/* Forgets a checkpoint of ours and its bitmaps, on a running or shut-off machine, whatever half of
 * it still exists. INVALID when @name is not ours; BUSY while a shut-off machine's images are
 * served. */
gboolean hypervisor_forget(struct hypervisor *hv, const char *vm, const char *name, GError **error);
/* Whether @name's bitmap on @target is there and complete, so that it can be a base. TRUE and
 * *@ret_reason NULL: yes. *@ret_reason says why not (lost in a crash, disk replaced, ...). */
gboolean hypervisor_check_base(struct hypervisor *hv, const char *vm, const char *name,
			       const char *target, char **ret_reason, GError **error);
