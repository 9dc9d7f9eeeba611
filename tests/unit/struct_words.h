/* Finds struct fields that a copy has lost. Test values are small numbers, pointers are not: a word
 * of the original that is a number must be the same in the copy, a pointer must not be NULL there,
 * and no word of the original may be zero, so that a new field cannot be left out of the test. */
#pragma once

#include <glib.h>

#define WORD_SMALL (G_GUINT64_CONSTANT(1) << 40)

/* @skip: offsets of fields that are not kept, ended by G_MAXSIZE. */
static inline void
struct_words_check(const char *name, gconstpointer original, gconstpointer copy, gsize size,
		   const gsize *skip)
{
	for (gsize at = 0; at + sizeof(guint64) <= size; at += sizeof(guint64)) {
		const gsize *kept = skip;
		while (*kept != G_MAXSIZE && *kept != at)
			kept++;
		if (*kept == at)
			continue;
		guint64 a = *(const guint64 *)((const char *)original + at);
		guint64 b = *(const guint64 *)((const char *)copy + at);
		if (a == 0)
			g_error("%s: the field at offset %zu is not set by the test", name, at);
		if (a < WORD_SMALL ? a != b : b == 0)
			g_error("%s: the field at offset %zu is lost", name, at);
	}
}

#define STRUCT_WORDS_CHECK(type, original, copy, ...) \
	struct_words_check(#type, original, copy, sizeof(struct type), (const gsize[]){__VA_ARGS__})
