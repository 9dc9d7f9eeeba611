/* What a finished copy tells: the JSON object of cairn-export's --result, which becomes a part of
 * the manifest. Collects the blocks while they are written. */
#pragma once

#include "base/auto.h"
#include "image/sink.h"

#include <glib.h>
#include <jansson.h>

struct result {
	enum digest_algorithm algorithm;
	GArray *runs; /* struct result_run */
	GByteArray *digests;

	/* Set by the copy at its end. */
	const char *format;
	const char *kind;
	const char *backing;
	gboolean compress;
	guint64 size;
	guint64 read_bytes;
	guint64 resumed_at; /* byte of the disk where this run began */
	double seconds;
	struct sink_totals totals;
};

/* @count blocks that follow each other. */
struct result_run {
	guint32 first;
	guint32 count;
};

struct result *result_new(enum digest_algorithm algorithm);
void result_free(struct result *result);
CAIRN_DEFINE_AUTO(result, result_free)

/* Blocks come in ascending order. */
void result_add(struct result *result, guint32 index, const guint8 *digest);
/* A new reference. */
json_t *result_json(const struct result *result);
