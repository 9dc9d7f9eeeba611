/* The schema that the program is built with. */
#include "cim/schema.h"
#include "cim/tables.h"

struct cim_schema *
cim_schema_new(guint build, GError **error)
{
	return cim_schema_of(&cim_tables, build, error);
}
