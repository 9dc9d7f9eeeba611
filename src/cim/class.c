/* Looking at one class's tables. */
#include "cim/class.h"

gboolean
cim_class_isa(const struct cim_class *class, const struct cim_class *ancestor)
{
	while (class && class != ancestor)
		class = class->super;
	return class != NULL;
}

gboolean
cim_class_isa_name(const struct cim_class *class, const char *ancestor)
{
	while (class && g_ascii_strcasecmp(class->name, ancestor) != 0)
		class = class->super;
	return class != NULL;
}

int
cim_class_property(const struct cim_class *class, const char *name)
{
	for (guint i = 0; i < class->property_count; i++)
		if (g_ascii_strcasecmp(class->properties[i].name, name) == 0)
			return (int)i;
	return -1;
}

const struct cim_method *
cim_class_method(const struct cim_class *class, const char *name)
{
	for (guint i = 0; i < class->method_count; i++)
		if (g_ascii_strcasecmp(class->methods[i].name, name) == 0)
			return &class->methods[i];
	return NULL;
}

const struct cim_member *
cim_method_parameter(const struct cim_method *method, const char *name)
{
	for (guint i = 0; i < method->parameter_count; i++)
		if (g_ascii_strcasecmp(method->parameters[i].name, name) == 0)
			return &method->parameters[i];
	return NULL;
}

const struct cim_qualifier *
cim_qualifier_find(const struct cim_qualifier *list, guint count, const char *name)
{
	for (guint i = 0; i < count; i++)
		if (g_ascii_strcasecmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

const char *const *
cim_qualifier_text(const struct cim_qualifier *qualifier, enum cim_language language)
{
	const char *const *text = qualifier->text[language];
	return text ? text : qualifier->text[CIM_LANG_EN];
}
