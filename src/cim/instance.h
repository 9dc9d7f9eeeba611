/* An instance: a class and its properties' values. Shared by counting references; one that others
 * can see is not changed any more. */
#pragma once

#include "base/auto.h"
#include "cim/class.h"
#include "cim/path.h"
#include "cim/value.h"

#include <glib.h>

struct cim_instance {
	guint refs; /* one thread only */
	const struct cim_class *class;
	struct cim_value *values; /* class->property_count of them, in the class's order */
};

struct cim_instance *cim_instance_new(const struct cim_class *class);
struct cim_instance *cim_instance_ref(struct cim_instance *instance);
void cim_instance_unref(struct cim_instance *instance);
CAIRN_DEFINE_AUTO(cim_instance, cim_instance_unref)
struct cim_instance *cim_instance_copy(const struct cim_instance *instance);
/* Of one class, with equal values. */
gboolean cim_instance_equal(const struct cim_instance *a, const struct cim_instance *b);

/* NULL when the class has no such property. */
const struct cim_value *cim_instance_get(const struct cim_instance *instance, const char *name);
/* Text of a string or datetime that is not NULL; else NULL. */
const char *cim_instance_string(const struct cim_instance *instance, const char *name);
/* Takes @value over; it must fit the property's type: our own mistake else. A name that this
 * build's class does not have is dropped without a word. */
void cim_instance_set(struct cim_instance *instance, const char *name, struct cim_value value);
/* Default values of the class, for a new instance that a client asks for. */
void cim_instance_set_defaults(struct cim_instance *instance);
/* The object path from the keys; @host and @namespace may be NULL. */
struct cim_path *cim_instance_path(const struct cim_instance *instance, const char *host,
				   const char *namespace);

/* Which properties a client wants (PropertyList, SELECT list): NULL means all. */
struct cim_property_list;
struct cim_property_list *cim_property_list_new(char *const *names);
void cim_property_list_free(struct cim_property_list *list);
CAIRN_DEFINE_AUTO(cim_property_list, cim_property_list_free)
gboolean cim_property_list_has(const struct cim_property_list *list, const char *name);
/* The names, NULL terminated, as given; NULL when @list is. */
const char *const *cim_property_list_names(const struct cim_property_list *list);
