/* qemu-img as a child process: images of machines that are shut off, and new scratch files. */
#pragma once

#include <glib.h>

enum qemu_bitmap {
	QEMU_BITMAP_ABSENT,
	QEMU_BITMAP_BROKEN, /* in use: QEMU crashed, or runs now */
	QEMU_BITMAP_GOOD,
};

/* A new qcow2 of @size bytes without a backing file. */
gboolean qemu_img_create(const char *path, guint64 size, GError **error);
/* Bitmaps of 64 KiB granularity, as QEMU itself makes them. BUSY when something has the image open.
 */
gboolean qemu_img_bitmap_add(const char *path, const char *name, GError **error);
gboolean qemu_img_bitmap_remove(const char *path, const char *name, GError **error);
/* What the header of the qcow2 file at @path says about the bitmap @name. */
gboolean qemu_img_bitmap_state(const char *path, const char *name, enum qemu_bitmap *ret_state,
			       GError **error);
