/* Classes as data. The tables are made at build time from schema/ (src/mofc); cim/schema.h is how
 * a program looks at them. Everything here is constant and lives as long as the program. */
#pragma once

#include "cim/type.h"

#include <glib.h>

/* Order of cim_qualifier.text; the first is what the others fall back to. */
enum cim_language { CIM_LANG_EN, CIM_LANG_FR, CIM_LANG_RU, CIM_LANG_ZH, CIM_LANG_LAST };

/* DSP0004 5.6.3 flavours. */
enum {
	CIM_FLAVOR_OVERRIDABLE = 1 << 0,
	CIM_FLAVOR_TOSUBCLASS = 1 << 1,
	CIM_FLAVOR_TRANSLATABLE = 1 << 2, /* "amended": Description, Values, DisplayName, Units */
};

struct cim_qualifier {
	const char *name;
	enum cim_type type; /* boolean, string, sint32, ... */
	gboolean is_array;
	guint flavors;
	gboolean propagated; /* inherited by the member or class that shows it */
	/* Values as text ("TRUE", "64", "..."), NULL terminated, one element when it is a scalar;
	 * NULL where the language has none. */
	const char *const *text[CIM_LANG_LAST];
};

enum {
	CIM_MEMBER_KEY = 1 << 0,
	CIM_MEMBER_WRITE = 1 << 1,
	CIM_MEMBER_REQUIRED = 1 << 2,
	CIM_MEMBER_EMBEDDED_INSTANCE = 1 << 3, /* a string that carries an instance of one class */
	CIM_MEMBER_EMBEDDED_OBJECT = 1 << 4,
	CIM_MEMBER_IN = 1 << 5, /* parameters */
	CIM_MEMBER_OUT = 1 << 6,
	CIM_MEMBER_PROPAGATED = 1 << 7, /* declared in an ancestor */
};

/* A property or a parameter. */
struct cim_member {
	const char *name;
	enum cim_type type;
	gboolean is_array;
	guint array_size;	     /* 0: not fixed */
	guint flags;		     /* CIM_MEMBER_* */
	const char *class_name;	     /* of a reference or an embedded instance; else NULL */
	const char *origin;	     /* class that declares it; NULL of a parameter */
	const char *const *defaults; /* text of the default value, as in cim_qualifier; or NULL */
	guint since;		     /* first build that shows it; 0: all */
	const char *unset;	     /* why cairn never sets it, or NULL */
	const struct cim_qualifier *qualifiers;
	guint qualifier_count;
};

struct cim_method {
	const char *name;
	enum cim_type type;
	const char *origin;
	gboolean propagated;
	gboolean is_static;
	guint since;
	const struct cim_member *parameters;
	guint parameter_count;
	const struct cim_qualifier *qualifiers;
	guint qualifier_count;
};

/* Namespaces that a class can live in; bits of cim_class.namespaces, order of
 * cim_namespace_name(). */
enum cim_namespace_id {
	CIM_NS_VIRTUALIZATION,	     /* root/virtualization/v2 */
	CIM_NS_CLUSTER,		     /* Root/HyperVCluster/v2 */
	CIM_NS_INTEROP,		     /* interop */
	CIM_NS_CIMV2,		     /* root/cimv2 */
	CIM_NS_ROOT,		     /* root */
	CIM_NS_VIRTUALIZATION_ABOVE, /* root/virtualization: only to walk down */
	CIM_NS_CLUSTER_ABOVE,	     /* Root/HyperVCluster */
	CIM_NS_LAST,
};

enum {
	CIM_CLASS_ABSTRACT = 1 << 0,
	CIM_CLASS_ASSOCIATION = 1 << 1,
	CIM_CLASS_INDICATION = 1 << 2,
};

struct cim_class {
	const char *name;
	const struct cim_class *super; /* NULL at the top */
	guint flags;
	guint namespaces; /* 1 << enum cim_namespace_id */
	guint since;
	guint index; /* place in the schema's list: for tables beside it */
	/* All members, inherited ones first, in declaration order; an override takes the place of
	 * what it overrides. */
	const struct cim_member *properties;
	guint property_count;
	const struct cim_method *methods;
	guint method_count;
	const struct cim_qualifier *qualifiers;
	guint qualifier_count;
	/* Places in properties of the keys, in declaration order. */
	const guint *keys;
	guint key_count;
};

/* Names are compared without case, as everywhere in CIM (DSP0004 5.1). */
gboolean cim_class_isa(const struct cim_class *class, const struct cim_class *ancestor);
gboolean cim_class_isa_name(const struct cim_class *class, const char *ancestor);
/* -1 when there is none. */
int cim_class_property(const struct cim_class *class, const char *name);
const struct cim_method *cim_class_method(const struct cim_class *class, const char *name);
const struct cim_member *cim_method_parameter(const struct cim_method *method, const char *name);
const struct cim_qualifier *cim_qualifier_find(const struct cim_qualifier *list, guint count,
					       const char *name);
/* The values of @qualifier in @language, or in English. */
const char *const *cim_qualifier_text(const struct cim_qualifier *qualifier,
				      enum cim_language language);
