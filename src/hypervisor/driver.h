/* What a hypervisor driver is: called by hypervisor.c alone, which has checked names and ranges
 * before. Each function is as hypervisor.h says. */
#pragma once

#include "hypervisor/hypervisor.h"

/* Where a driver's events go: to the handler of hypervisor_set_events(), if there is one. */
struct hv_sink;
void hv_sink_emit(struct hv_sink *sink, enum hv_event_type type, const char *vm,
		  const char *message);

struct hv_driver {
	const char *name;
	gboolean (*takes)(const char *uri);
	void *(*open)(const char *uri, struct hv_sink *sink, GError **error);
	void (*close)(void *self);
	GPtrArray *(*list)(void *self, GError **error);
	struct hv_vm *(*lookup)(void *self, const char *uuid_or_name, GError **error);
	char *(*address)(void *self, const char *vm, const char *path, GError **error);
	gboolean (*prepare)(void *self, const struct hv_point *point, guint agent_timeout,
			    GError **error);
	gboolean (*freeze)(void *self, const char *vm, guint *ret_filesystems, GError **error);
	gboolean (*thaw)(void *self, const char *vm, guint *ret_frozen, GError **error);
	gboolean (*suspend)(void *self, const char *vm, GError **error);
	gboolean (*resume)(void *self, const char *vm, GError **error);
	gboolean (*begin)(void *self, const struct hv_point *point, GError **error);
	gboolean (*save_state)(void *self, const char *vm, const char *dir, char ***ret_files,
			       GError **error);
	gboolean (*serve)(void *self, const struct hv_point *point, GError **error);
	gboolean (*unserve)(void *self, const struct hv_point *point, GError **error);
	char *(*changes_context)(void *self, const struct hv_point *point,
				 const struct hv_point_disk *disk);
	gboolean (*usage)(void *self, const struct hv_point *point, guint64 *ret_used,
			  guint64 *ret_free, GError **error);
	gboolean (*watch)(void *self, const struct hv_point *point, guint64 bytes, GError **error);
	gboolean (*end)(void *self, const struct hv_point *point, GError **error);
	gboolean (*forget)(void *self, const char *vm, const char *name, GError **error);
	gboolean (*check_base)(void *self, const char *vm, const char *name, const char *target,
			       char **ret_reason, GError **error);
};

extern const struct hv_driver hv_driver_libvirt, hv_driver_fake;
