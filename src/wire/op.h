/* What a client wants and what it gets, whichever protocol carried it: both codecs speak these two
 * structs, and src/cimd does the work between them. */
#pragma once

#include "base/auto.h"
#include "cim/instance.h"
#include "cim/query.h"
#include "cim/schema.h"
#include "cim/status.h"

#include <glib.h>

enum cim_op_kind {
	CIM_OP_NONE,
	/* DSP0200 5.3.2, intrinsic operations */
	CIM_OP_GET_CLASS,
	CIM_OP_ENUMERATE_CLASSES,
	CIM_OP_ENUMERATE_CLASS_NAMES,
	CIM_OP_GET_INSTANCE,
	CIM_OP_ENUMERATE_INSTANCES,
	CIM_OP_ENUMERATE_INSTANCE_NAMES,
	CIM_OP_CREATE_INSTANCE,
	CIM_OP_MODIFY_INSTANCE,
	CIM_OP_DELETE_INSTANCE,
	CIM_OP_ASSOCIATORS,
	CIM_OP_ASSOCIATOR_NAMES,
	CIM_OP_REFERENCES,
	CIM_OP_REFERENCE_NAMES,
	CIM_OP_EXEC_QUERY,
	CIM_OP_GET_PROPERTY,
	CIM_OP_SET_PROPERTY,
	CIM_OP_ENUMERATE_QUALIFIERS,
	CIM_OP_GET_QUALIFIER,
	/* known by name and always NOT_SUPPORTED: the schema is fixed */
	CIM_OP_CREATE_CLASS,
	CIM_OP_MODIFY_CLASS,
	CIM_OP_DELETE_CLASS,
	CIM_OP_SET_QUALIFIER,
	CIM_OP_DELETE_QUALIFIER,
	/* pull operations: an open says by `opens` what it opens */
	CIM_OP_OPEN,
	CIM_OP_PULL,
	CIM_OP_CLOSE,
	CIM_OP_ENUMERATION_COUNT,
	/* extrinsic method */
	CIM_OP_INVOKE,
	CIM_OP_LAST,
};

struct cim_argument {
	char *name;
	struct cim_value value;
};

/* WS-Man's wsmb:PolymorphismMode (DSP0227 6.5) */
enum cim_polymorphism { CIM_POLY_INCLUDE, CIM_POLY_EXCLUDE, CIM_POLY_NONE };

struct cim_op {
	enum cim_op_kind kind;
	enum cim_op_kind opens; /* CIM_OP_OPEN: ENUMERATE_INSTANCES, ..._NAMES, ASSOCIATORS, ... */
	char *namespace_text;	/* as the client wrote it */
	enum cim_namespace_id ns;
	enum cim_language language; /* of texts in the answer */
	char *class_name; /* class operations, enumerations, and the target of a static method */
	struct cim_path *object;	/* the instance (or, is_class, the class) it is about */
	struct cim_instance *instance;	/* CREATE, MODIFY: typed by the schema */
	struct cim_property_list *list; /* NULL: all; MODIFY: which of instance's are written */
	/* filters of associations; NULL: not said */
	char *assoc_class, *result_class, *role, *result_role;
	struct query *query;	/* EXEC_QUERY, and FilterQuery of an open */
	char *property_name;	/* GET_PROPERTY, SET_PROPERTY, GET_QUALIFIER's name */
	struct cim_value value; /* SET_PROPERTY: typed by the schema */
	char *method;
	GArray *arguments; /* of struct cim_argument; INVOKE: typed by the method's declaration */
	gboolean local_only, deep_inheritance, include_qualifiers, include_class_origin;
	enum cim_polymorphism polymorphism;
	/* pull operations */
	char *context;
	guint max_objects;
	guint timeout_sec; /* of the context, 0: default */
	gboolean continue_on_error;
	gboolean return_query_class;
};

void cim_op_clear(struct cim_op *op);
/* NULL when absent. */
const struct cim_value *cim_op_argument(const struct cim_op *op, const char *name);
/* For logs and tests: "GetInstance", ... of the operation that the client named. */
const char *cim_op_name(enum cim_op_kind kind);

/* A list that is made while it is read, so that its size costs no memory. */
struct cim_list;
struct cim_list_driver {
	/* A new reference, or NULL at the end. */
	struct cim_instance *(*next)(void *data);
	void (*free)(void *data);
};
struct cim_list *cim_list_new(const struct cim_list_driver *driver, void *data);
/* Of struct cim_instance references; takes @instances over. */
struct cim_list *cim_list_of(GPtrArray *instances);
void cim_list_free(struct cim_list *list);
CAIRN_DEFINE_AUTO(cim_list, cim_list_free)
struct cim_instance *cim_list_next(struct cim_list *list);
/* The next one without taking it: borrowed; NULL at the end. */
const struct cim_instance *cim_list_peek(struct cim_list *list);

/* What an operation gave. Zero bytes are an empty success. */
struct cim_reply {
	GError *error;			  /* then nothing else is there */
	struct cim_list *list;		  /* instances; names of instances are their keys */
	const struct cim_class **classes; /* NULL terminated; class operations */
	struct cim_instance *instance;	  /* GET_INSTANCE; CREATE_INSTANCE (its keys); PUT's echo */
	struct cim_value value;		  /* GET_PROPERTY; the return value of a method */
	GArray *arguments;		  /* of struct cim_argument: out parameters */
	/* pull */
	char *context;
	gboolean end_of_sequence;
	guint64 total; /* ENUMERATION_COUNT */
};

void cim_reply_clear(struct cim_reply *reply);
/* Adds an out parameter; takes @value over. */
void cim_reply_add(struct cim_reply *reply, const char *name, struct cim_value value);
