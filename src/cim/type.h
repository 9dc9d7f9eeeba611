/* CIM's intrinsic types (DSP0004 5.2) as one table: name, whether a number, its range. */
#pragma once

#include <glib.h>

enum cim_type {
	CIM_TYPE_NONE, /* no type: a void method, or not told by the client */
	CIM_BOOLEAN,
	CIM_UINT8,
	CIM_UINT16,
	CIM_UINT32,
	CIM_UINT64,
	CIM_SINT8,
	CIM_SINT16,
	CIM_SINT32,
	CIM_SINT64,
	CIM_REAL32,
	CIM_REAL64,
	CIM_CHAR16,
	CIM_STRING,
	CIM_DATETIME,
	CIM_REFERENCE,
	CIM_TYPE_LAST,
};

/* "uint16"; "reference" is CIM-XML's word for CIM_REFERENCE (MOF writes CLASS ref). */
const char *cim_type_name(enum cim_type type);
/* CIM_TYPE_NONE when there is none of that name (any case). */
enum cim_type cim_type_from_name(const char *name);
gboolean cim_type_is_unsigned(enum cim_type type);
gboolean cim_type_is_signed(enum cim_type type);
gboolean cim_type_is_real(enum cim_type type);
/* Any of the three above. */
gboolean cim_type_is_number(enum cim_type type);
