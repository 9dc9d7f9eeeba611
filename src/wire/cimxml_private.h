/* What the files of the CIM-XML codec share: the table of operations, readers and writers of parts.
 * For src/wire only. */
#pragma once

#include "wire/cimxml.h"
#include "wire/xml.h"

/* What stands inside IRETURNVALUE (DSP0200 5.3.2): one element of it for each object. */
enum cimxml_shape {
	CIMXML_VOID,	    /* no IRETURNVALUE */
	CIMXML_CLASS,	    /* CLASS */
	CIMXML_CLASS_NAME,  /* CLASSNAME */
	CIMXML_INSTANCE,    /* INSTANCE */
	CIMXML_NAME,	    /* INSTANCENAME */
	CIMXML_NAMED,	    /* VALUE.NAMEDINSTANCE */
	CIMXML_OBJECT,	    /* VALUE.OBJECTWITHPATH */
	CIMXML_OBJECT_PATH, /* OBJECTPATH */
	CIMXML_WITH_PATH,   /* VALUE.INSTANCEWITHPATH */
	CIMXML_PATH,	    /* INSTANCEPATH */
	CIMXML_VALUE,	    /* VALUE, VALUE.ARRAY or VALUE.REFERENCE */
	CIMXML_COUNT,	    /* VALUE of a uint64 */
	CIMXML_QUALIFIER,   /* the QUALIFIER.DECLARATION that op.property_name names */
	CIMXML_QUALIFIERS,  /* all of them */
};

struct cimxml_operation {
	const char *name;
	enum cim_op_kind kind, opens;
	enum cimxml_shape shape;
	guint takes, needs; /* parameters, bits of cimxml_params.c's list */
	guint yes;	    /* parameters that are TRUE when the client says nothing */
};

/* Any case; NULL when there is none. */
const struct cimxml_operation *cimxml_operation_find(const char *name);

/* Where names are looked up, and how strictly. */
struct cimxml_scope {
	const struct cim_schema *schema;
	enum cim_namespace_id ns;
	gboolean lenient; /* embedded instances: what is unknown is left out */
};

/* ---- reading: cimxml_read_value.c, cimxml_read_path.c ---- */

/* Makes an error of ours one of @status, and puts `WHAT "NAME": ` in front. Returns FALSE. */
gboolean cimxml_retag(GError **error, enum cim_status status, const char *what, const char *name);
/* What VALUE, VALUE.ARRAY, VALUE.REFERENCE ... below @holder says, as @type; nothing is NULL. */
gboolean cimxml_read_value(const struct cimxml_scope *scope, const struct xml_node *holder,
			   enum cim_type type, gboolean is_array, struct cim_value *ret_value,
			   GError **error);
/* INSTANCE. The names of the properties that it has are added to @names unless that is NULL;
 * borrowed from the class. */
struct cim_instance *cimxml_read_instance(const struct cimxml_scope *scope,
					  const struct xml_node *node, GPtrArray *names,
					  GError **error);
/* INSTANCENAME, CLASSNAME, the ...PATH elements, and VALUE.REFERENCE around one of them. */
struct cim_path *cimxml_read_path(const struct cimxml_scope *scope, const struct xml_node *node,
				  GError **error);
/* "root/cimv2" of a LOCALNAMESPACEPATH. */
char *cimxml_read_namespace(const struct xml_node *node, GError **error);

/* ---- requests: cimxml_params.c, cimxml_method.c. The namespace is known already. ---- */
gboolean cimxml_read_params(const struct cimxml_scope *scope, const struct xml_node *call,
			    const struct cimxml_operation *operation, struct cim_op *op,
			    GError **error);
gboolean cimxml_read_method(const struct cimxml_scope *scope, const struct xml_node *call,
			    struct cim_op *op, GError **error);

/* ---- writing: cimxml_write_value.c ---- */

/* @op and @host may be NULL. */
void cimxml_put_instance(GString *out, const struct cim_instance *instance, const struct cim_op *op,
			 const char *host, const struct cim_schema *schema,
			 struct cimxml_selection *selection);
#define cimxml_put(out, literal) xml_put(out, "" literal, sizeof(literal) - 1)
/* Text of a scalar that is not NULL, escaped. */
void cimxml_put_text(GString *out, const struct cim_value *value);
/* VALUE, VALUE.ARRAY, VALUE.REFERENCE, VALUE.REFARRAY; nothing for NULL. */
void cimxml_put_value(GString *out, const struct cim_value *value, const char *host);
/* VALUE or VALUE.ARRAY of texts. */
void cimxml_put_texts(GString *out, const char *const *texts, gboolean is_array);
/* " EmbeddedObject=..." when @member and @value are such; both may be NULL. */
void cimxml_put_embedded(GString *out, const struct cim_member *member,
			 const struct cim_value *value);
/* ---- cimxml_write_path.c ---- */
/* INSTANCENAME, INSTANCEPATH, CLASSPATH ...: as much as @path knows, @host where it has none. */
void cimxml_put_path(GString *out, const struct cim_path *path, const char *host);
/* INSTANCENAME from the keys of @instance. */
void cimxml_put_name_of(GString *out, const struct cim_instance *instance, const char *host);
void cimxml_put_namespace(GString *out, const char *name); /* LOCALNAMESPACEPATH */
/* NAMESPACEPATH: HOST and LOCALNAMESPACEPATH. */
void cimxml_put_namespace_path(GString *out, const char *host, const char *name);
/* ---- cimxml_write_class.c ---- */
void cimxml_put_class_name(GString *out, const struct cim_class *class);
void cimxml_put_qualifier_type(GString *out, const struct cim_qualifier *qualifier,
			       const char *scopes, enum cim_language language);
