/* What a format must do; only sink.c calls it. */
#pragma once

#include "image/sink.h"

#include <zstd.h>

struct sink {
	const struct sink_driver *driver;
	struct sink_options options; /* the strings are the sink's own */
	int fd;
	int direct_fd; /* the same file with O_DIRECT, or -1 */
	gint direct;   /* atomic: it can be used */
	int parent_fd;
	guint64 next; /* blocks below have been placed */
	guint64 end;  /* of what was placed in the file, bytes; the driver's place() keeps it */
	struct sink_totals totals;
	void *state; /* the driver's */
};

struct sink_scratch {
	struct digest *digest;
	ZSTD_CCtx *zstd;
};

struct sink_driver {
	const char *name;
	gboolean (*open)(struct sink *sink, GError **error);
	void (*close)(struct sink *sink);
	/* Which clusters of @zero (all zero now) the image carries. */
	guint16 (*carried_zero)(const struct sink *sink, guint16 zero);
	gboolean (*place)(struct sink *sink, struct sink_block *block, GError **error);
	gboolean (*write)(struct sink *sink, const struct sink_block *block, GError **error);
	/* Bytes of the file that belong to the blocks before @index. */
	guint64 (*kept)(const struct sink *sink, guint32 index);
	gboolean (*finish)(struct sink *sink, GError **error);
};

extern const struct sink_driver sink_qcow2;
extern const struct sink_driver sink_raw;

/* pwritev(2) of all, past the page cache when memory, place and lengths allow it. */
struct iovec;
gboolean sink_write_at(struct sink *sink, struct iovec *iov, int n, guint64 offset, GError **error);
