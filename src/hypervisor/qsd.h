/* A qemu-storage-daemon of ours: a child that serves images of machines that are shut off. It ends
 * with this process, however that ends. One user at a time. */
#pragma once

#include <glib.h>
#include <jansson.h>

struct qsd;

struct qsd *qsd_start(GError **error);
/* Kills it and waits for its end. NULL is fine. */
void qsd_free(struct qsd *qsd);
gboolean qsd_alive(struct qsd *qsd);
/* One command of the QEMU machine protocol. Takes over @arguments (may be NULL). *@ret_value (may
 * be NULL) is a new reference. STATE, BUSY (an image is locked) or PEER. */
gboolean qsd_command(struct qsd *qsd, const char *execute, json_t *arguments, json_t **ret_value,
		     GError **error);
