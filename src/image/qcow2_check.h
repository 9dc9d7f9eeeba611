/* Whether a qcow2 file is laid out as our writer does it (qcow2.h), byte after byte from the header
 * to the end: nothing lost between two pieces, nothing used twice. And the digest of all that is
 * not data. The data itself is image.h's. */
#pragma once

#include "image/digest.h"
#include "image/qcow2_read.h"

/* @offset and @length are bytes of the file; @what is a clause for a person. */
typedef void (*qcow2_problem_fn)(guint64 offset, guint64 length, const char *what, void *data);

/* Walks all tables of @file and tells @problem what is out of place; after the first misplaced
 * piece the rest of the file is not compared with the layout any more. *@ret_digest (DIGEST_MAX
 * bytes) is the metadata digest. FALSE when a table cannot be read or an entry is damaged. */
gboolean qcow2_check(const struct qcow2_file *file, enum digest_algorithm algorithm,
		     qcow2_problem_fn problem, void *data, guint8 *ret_digest, GError **error);
