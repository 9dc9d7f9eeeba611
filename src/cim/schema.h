/* The classes of one build of Hyper-V, looked at by name and namespace. */
#pragma once

#include "base/auto.h"
#include "cim/class.h"

#include <glib.h>

#define CIM_BUILD_NEWEST 26100

struct cim_schema;

/* The builds that --compat-build takes, 0 terminated, newest first. */
extern const guint cim_builds[];

/* The view of @build (one of cim_builds): members and classes that came later are not there.
 * INVALID names the builds there are. */
struct cim_schema *cim_schema_new(guint build, GError **error);
void cim_schema_free(struct cim_schema *schema);
CAIRN_DEFINE_AUTO(cim_schema, cim_schema_free)

/* CIM_NS_LAST when there is none; either slash, any case, leading slashes forgiven; a last part
 * MS_40C (any locale, hex LCID) is skipped and told in @ret_language (may be NULL). */
enum cim_namespace_id cim_namespace_find(const char *name, enum cim_language *ret_language);
/* "root/virtualization/v2" */
const char *cim_namespace_name(enum cim_namespace_id id);

/* NULL when that namespace has no class of that name (any case). O(1). */
const struct cim_class *cim_schema_class(const struct cim_schema *schema, enum cim_namespace_id ns,
					 const char *name);
/* All classes, ancestors before descendants; cim_class.index is the place. */
guint cim_schema_count(const struct cim_schema *schema);
const struct cim_class *cim_schema_at(const struct cim_schema *schema, guint index);
/* Qualifier declarations (EnumerateQualifiers): as qualifiers with their default values;
 * @ret_scopes is a "property class ..." list in CIM-XML's words, constant; it may be NULL. */
guint cim_schema_qualifier_count(const struct cim_schema *schema);
const struct cim_qualifier *cim_schema_qualifier_at(const struct cim_schema *schema, guint index,
						    const char **ret_scopes);

/* The best of our languages for a list as in Accept-Language or xml:lang: "fr-CA, en;q=0.5". */
enum cim_language cim_language_find(const char *list);
const char *cim_language_tag(enum cim_language language); /* "fr-FR" */
