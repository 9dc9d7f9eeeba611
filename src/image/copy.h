/* The copy of one disk at one point in time: NBD in, image out, in threads of its own. The caller's
 * thread starts it, changes it while it runs and is told by a file descriptor when something
 *happened.
 *
 *	PREPARING -> RUNNING <-> SUSPENDED -> ... -> FINISHED
 *
 * The image is written as OUT.part beside OUT.part.state, the journal; a copy with the same options
 * goes on from what the journal says. OUT appears when all of it is durable. */
#pragma once

#include "base/auto.h"
#include "image/digest.h"

#include <glib.h>
#include <jansson.h>

/* Buffers of one copy, whatever the size of the disk. */
#define COPY_RESIDENT_MAX (64ULL << 20)
/* Limits of the options. */
#define COPY_CONNECTIONS_MAX 16
#define COPY_REQUESTS_MAX    256
#define COPY_TIMEOUT_MAX     86400 /* seconds */

struct copy_options {
	const char *uri;
	const char *out;
	const char *since; /* an NBD metadata context, the path of an extents file, or NULL: full */
	const char *sink;  /* "qcow2" or "raw" */
	const char *parent;   /* see sink.h; NULL for none */
	const char *backing;  /* see sink.h; NULL for none */
	const char *result;   /* file for the result, written before OUT appears; NULL for none */
	const char *identity; /* names the contents, for the journal, instead of @uri; or NULL */
	gboolean compress;
	enum digest_algorithm digest;
	guint64 rate;	   /* bytes per second read; 0: no limit */
	guint connections; /* 1.. */
	guint requests;	   /* in flight, over all connections, 1.. */
	guint timeout;	   /* seconds to wait for each answer of the server, 1.. */
};

enum copy_state {
	COPY_PREPARING, /* connecting, asking for extents, reading the journal */
	COPY_RUNNING,
	COPY_SUSPENDED, /* nothing is read, all that was written is durable */
	COPY_FINISHED,	/* well, with an error or cancelled: copy_end() says */
};

struct copy_progress {
	enum copy_state state;
	guint64 done;	 /* bytes of the disk that were read or skipped by resuming */
	guint64 total;	 /* all there is to read; 0 while preparing */
	guint64 written; /* bytes written to the image by this run */
};

struct copy;
/* The strings of @options must stay until copy_end(). */
struct copy *copy_begin(const struct copy_options *options);
/* Readable after each change of state; read it (eventfd(2)) before copy_get_progress(). */
int copy_event_fd(const struct copy *copy);
void copy_get_progress(struct copy *copy, struct copy_progress *ret_progress);
/* All four come into force soon after they return. */
void copy_suspend(struct copy *copy);
void copy_resume(struct copy *copy);
void copy_set_rate(struct copy *copy, guint64 rate);
void copy_cancel(struct copy *copy);
/* Waits for the end and frees the copy. TRUE: OUT is there. CANCELLED: the journal has all that was
 * written. PEER: the source failed. Errors of files: IO, LIMIT, DENIED, NOT_FOUND, EXISTS. */
gboolean copy_end(struct copy *copy, GError **error);

/* The allocated ranges at @uri, or with @context the ones that are set in it (QEMU's dirty bitmap),
 * written to @out as extents_encode() makes them. */
gboolean copy_map(const char *uri, const char *context, const char *out, guint timeout, int stop_fd,
		  GError **error);
