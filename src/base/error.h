/* One error domain for the whole program, few codes, and the tables that turn a code into what each
 * door shows: exit status, the class of a control-socket error, a job's ErrorCode, a CIM status. */
#pragma once

#include <glib.h>

#define CAIRN_ERROR (cairn_error_quark())

enum cairn_error_code {
	CAIRN_ERROR_INVALID,   /* the caller's argument is wrong */
	CAIRN_ERROR_NOT_FOUND, /* what was named does not exist */
	CAIRN_ERROR_EXISTS,    /* what was to be made is there already */
	CAIRN_ERROR_STATE,     /* not in this state */
	CAIRN_ERROR_BUSY,      /* in use by something else */
	CAIRN_ERROR_DENIED,    /* no right to do it */
	CAIRN_ERROR_LIMIT,     /* over a named limit, or out of space */
	CAIRN_ERROR_PEER,      /* libvirt, QEMU, a guest agent or an NBD server failed */
	CAIRN_ERROR_IO,	       /* a file or a disk failed */
	CAIRN_ERROR_CANCELLED, /* somebody asked to stop */
	CAIRN_ERROR_LAST,
};

GQuark cairn_error_quark(void);

/* The class that the control socket carries, e.g. "NotFound". A code out of range reads "IO". */
const char *cairn_error_class(int code);

/* The reverse; CAIRN_ERROR_IO when the class is not ours. */
int cairn_error_from_class(const char *class_name);

/* Msvm job ErrorCode / method return code (32768..32779, hyperv-semantics section 5). */
guint16 cairn_error_job_code(int code);

/* DMTF DSP0200 CIM status code (1 = FAILED, 6 = NOT_FOUND, ...). */
guint cairn_error_cim_status(int code);

/* errno as a CAIRN_ERROR code: ENOENT is NOT_FOUND, ENOSPC and EDQUOT are LIMIT, ... */
int cairn_error_from_errno(int err);

/* Sets @error with FORMAT and returns FALSE: `return cairn_fail(error, CAIRN_ERROR_INVALID, ...)`.
 */
gboolean cairn_fail(GError **error, enum cairn_error_code code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Sets @error from @err; the message is FORMAT, then ": " and the text of the errno. */
void cairn_set_errno(GError **error, int err, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Code of @error in our domain; an error of another domain (GIO, GLib) is IO. */
int cairn_error_code(const GError *error);
