/* One NBD connection to the point in time that is copied: metadata contexts (allocation, change
 * bitmap) and reads, many in flight, each with a deadline. It does not retry, decide or know what
 * is done with the data. One thread uses one source. All errors are PEER but for CANCELLED. */
#pragma once

#include "base/auto.h"

#include <glib.h>

/* NBD protocol, "base:allocation": bits of an extent's flags. */
#define SOURCE_ALLOCATION "base:allocation"
#define SOURCE_HOLE	  1U
#define SOURCE_ZERO	  2U
/* QEMU's "qemu:dirty-bitmap:NAME" (docs/interop/nbd.txt). */
#define SOURCE_DIRTY 1U

/* The most bytes in one read. */
#define SOURCE_READ_MAX (256U << 10)

struct source;

/* Connects to @uri (NBD URI specification) and asks for @contexts (NULL-terminated). @timeout in
 * milliseconds is for each answer of the server. @stop_fd: whenever it is readable, every call ends
 * with CANCELLED; -1 for none. */
struct source *source_open(const char *uri, const char *const *contexts, guint timeout, int stop_fd,
			   GError **error);
void source_close(struct source *source);
CAIRN_DEFINE_AUTO(source, source_close)

/* Bytes; any number, not only whole sectors. */
guint64 source_size(const struct source *source);
/* The server may be asked over several connections at once. */
gboolean source_multi_conn(const struct source *source);
/* The server really granted @context: asking for an unknown one is silently passed over. */
gboolean source_has_context(const struct source *source, const char *context);

/* One extent of @context; what is told may overlap what was told before. */
typedef void (*source_extent_fn)(void *opaque, const char *context, guint64 offset, guint64 length,
				 guint32 flags);
/* Walks over the whole disk once for all contexts that were granted. */
gboolean source_extents(struct source *source, source_extent_fn fn, void *opaque, GError **error);

/* Called from source_step() when the bytes are there; @ok is FALSE when the server reported an
 * error, which source_step() then returns. Never called from source_read() or source_close(). */
typedef void (*source_done_fn)(void *opaque, gboolean ok);
/* Starts a read of at most SOURCE_READ_MAX bytes; @buffer must stay until done or closed. */
gboolean source_read(struct source *source, void *buffer, gsize len, guint64 offset,
		     source_done_fn done, void *opaque, GError **error);
guint source_in_flight(const struct source *source);
/* Waits until something can be sent or received, @wait milliseconds at most (-1: no limit but the
 * deadlines), and does it. FALSE ends the use of the source. */
gboolean source_step(struct source *source, int wait, GError **error);
