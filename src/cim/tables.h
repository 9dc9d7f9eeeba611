/* The schema as src/mofc makes it; only cim/schema.c and src/mofc look at it in this form. */
#pragma once

#include "cim/class.h"

struct cim_tables {
	const struct cim_class *classes; /* of all builds; ancestors before descendants */
	guint class_count;
	/* Declarations: as qualifiers with their default values, and where each may stand. */
	const struct cim_qualifier *qualifiers;
	const char *const *scopes;
	guint qualifier_count;
};

extern const struct cim_tables cim_tables;

/* cim_schema_new() for other tables; they must stay. */
struct cim_schema;
struct cim_schema *cim_schema_of(const struct cim_tables *tables, guint build, GError **error);
