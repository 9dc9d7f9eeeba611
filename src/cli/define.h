/* The one thing the CLI does with libvirt by itself: defining restored machines, on a host that
 * may have no cairnd. */
#pragma once

#include "base/auto.h"

#include <glib.h>

struct define;

/* @uri NULL: libvirt's default. */
struct define *define_open(const char *uri, GError **error);
void define_close(struct define *define);
CAIRN_DEFINE_AUTO(define, define_close)

/* EXISTS when there is a machine of this name or (unless NULL) UUID: defining would replace it. */
gboolean define_check_free(struct define *define, const char *name, const char *uuid,
			   GError **error);
/* Defines the machine that the file at @path describes. STATE when one of its disks is none of the
 * files in @restored (NULL-terminated, absolute): it would be the original, which another machine
 * may be using. */
gboolean define_file(struct define *define, const char *path, char *const *restored,
		     GError **error);
