/* The table of intrinsic types. */
#include "cim/type.h"

enum number { NOT, UNSIGNED, SIGNED, REAL };

static const struct {
	const char *name;
	enum number number;
} types[CIM_TYPE_LAST] = {
	[CIM_TYPE_NONE] = {"", NOT},	     [CIM_BOOLEAN] = {"boolean", NOT},
	[CIM_UINT8] = {"uint8", UNSIGNED},   [CIM_UINT16] = {"uint16", UNSIGNED},
	[CIM_UINT32] = {"uint32", UNSIGNED}, [CIM_UINT64] = {"uint64", UNSIGNED},
	[CIM_SINT8] = {"sint8", SIGNED},     [CIM_SINT16] = {"sint16", SIGNED},
	[CIM_SINT32] = {"sint32", SIGNED},   [CIM_SINT64] = {"sint64", SIGNED},
	[CIM_REAL32] = {"real32", REAL},     [CIM_REAL64] = {"real64", REAL},
	[CIM_CHAR16] = {"char16", NOT},	     [CIM_STRING] = {"string", NOT},
	[CIM_DATETIME] = {"datetime", NOT},  [CIM_REFERENCE] = {"reference", NOT},
};

const char *
cim_type_name(enum cim_type type)
{
	g_assert((guint)type < CIM_TYPE_LAST);
	return types[type].name;
}

enum cim_type
cim_type_from_name(const char *name)
{
	for (guint type = CIM_BOOLEAN; name && type < CIM_TYPE_LAST; type++)
		if (g_ascii_strcasecmp(types[type].name, name) == 0)
			return (enum cim_type)type;
	return CIM_TYPE_NONE;
}

gboolean
cim_type_is_unsigned(enum cim_type type)
{
	return types[type].number == UNSIGNED;
}

gboolean
cim_type_is_signed(enum cim_type type)
{
	return types[type].number == SIGNED;
}

gboolean
cim_type_is_real(enum cim_type type)
{
	return types[type].number == REAL;
}

gboolean
cim_type_is_number(enum cim_type type)
{
	return types[type].number != NOT;
}
