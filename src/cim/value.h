/* One CIM value: typed, NULL or not, scalar or array. Values own what they point to. */
#pragma once

#include "cim/type.h"

#include <glib.h>

struct cim_path;
struct cim_instance;

#define CIM_ARRAY_MAX  65536	  /* elements of one array that comes from outside */
#define CIM_STRING_MAX (16 << 20) /* bytes of one string that comes from outside */

/* All zero bytes are a NULL of no type: a valid value that need not be cleared. */
struct cim_value {
	guint8 type; /* enum cim_type; of the elements when it is an array */
	guint8 is_array : 1;
	guint8 is_set : 1;	/* FALSE: NULL */
	guint8 is_embedded : 1; /* a string that carries an instance: u.instance, not u.string */
	guint count;		/* elements of an array */
	union {
		gboolean boolean;
		guint64 uint; /* unsigned types and char16 */
		gint64 sint;
		double real;
		char *string; /* string; datetime as CIM's 25 characters (DSP0004 5.2.4) */
		struct cim_path *path;
		struct cim_instance *instance; /* owns one reference */
		struct cim_value *items;       /* @count scalars; one that is NULL has is_set 0 */
	} u;
};

/* Frees what @value owns and makes it a NULL of no type. */
void cim_value_clear(struct cim_value *value);
/* @ret_copy need not be initialised. */
void cim_value_copy(const struct cim_value *value, struct cim_value *ret_copy);
/* Same type, shape and content; strings by bytes, references by cim_path_equal(). */
gboolean cim_value_equal(const struct cim_value *a, const struct cim_value *b);

/* Makers; they clear nothing. Strings and arrays are copied unless the name says take. */
struct cim_value cim_null(enum cim_type type, gboolean is_array);
struct cim_value cim_boolean(gboolean value);
struct cim_value cim_uint(enum cim_type type, guint64 value); /* in range: our own mistake else */
struct cim_value cim_sint(enum cim_type type, gint64 value);
struct cim_value cim_real(enum cim_type type, double value);
struct cim_value cim_string(const char *value); /* NULL text makes a NULL value */
struct cim_value cim_string_take(char *value);
struct cim_value cim_datetime(const char *value); /* 25 characters, or NULL */
struct cim_value cim_reference_take(struct cim_path *path);
struct cim_value cim_embedded_take(struct cim_instance *instance);
/* An array of @count NULLs of @type, to be filled by the caller. */
struct cim_value cim_array(enum cim_type type, guint count);
struct cim_value cim_string_array(char *const *strv); /* NULL makes an empty array */

/* Text of a scalar that is not NULL: decimal numbers, reals that round-trip, TRUE/FALSE, datetimes
 * as they are, references as object paths; appended to @text. No XML escaping. */
void cim_value_print(const struct cim_value *value, GString *text);
/* The scalar of @type that @text stands for: numbers decimal, 0x hex, binary with b and octal with
 * leading 0 (DSP0004 A.1), booleans in any case and 0/1, char16 one character or a number,
 * datetimes in 25 characters or xs:dateTime, xs:duration. INVALID names the text; ranges are
 * checked. CIM_REFERENCE parses an object path. */
gboolean cim_value_parse(enum cim_type type, const char *text, struct cim_value *ret_value,
			 GError **error);
/* Turns @value into @type when nothing is lost (a client that sent no type, a scalar for an array
 * of one): INVALID otherwise, and @value is as before. */
gboolean cim_value_coerce(struct cim_value *value, enum cim_type type, gboolean is_array,
			  GError **error);
