/* Names and paths in CIM-XML (DSP0201 5.2.3, 5.2.4). */
#include "wire/cimxml_private.h"

#include <string.h>

void
cimxml_put_namespace(GString *out, const char *name)
{
	cimxml_put(out, "<LOCALNAMESPACEPATH>");
	while (*name) {
		gsize len = strcspn(name, "/\\");
		if (len) {
			cimxml_put(out, "<NAMESPACE NAME=\"");
			xml_escape_attr(out, name, (gssize)len);
			cimxml_put(out, "\"></NAMESPACE>");
		}
		name += len + (name[len] != '\0');
	}
	cimxml_put(out, "</LOCALNAMESPACEPATH>");
}

void
cimxml_put_namespace_path(GString *out, const char *host, const char *name)
{
	cimxml_put(out, "<NAMESPACEPATH><HOST>");
	xml_escape(out, host ? host : "", -1);
	cimxml_put(out, "</HOST>");
	cimxml_put_namespace(out, name);
	cimxml_put(out, "</NAMESPACEPATH>");
}

/* ---- keys ---- */

static void
put_key_value(GString *out, const struct cim_value *value, const char *host)
{
	if (value->type == CIM_REFERENCE && value->is_set) {
		cimxml_put(out, "<VALUE.REFERENCE>");
		cimxml_put_path(out, value->u.path, host);
		cimxml_put(out, "</VALUE.REFERENCE>");
		return;
	}
	cimxml_put(out, "<KEYVALUE VALUETYPE=\"");
	if (cim_type_is_number(value->type))
		cimxml_put(out, "numeric\" TYPE=\"");
	else if (value->type == CIM_BOOLEAN)
		cimxml_put(out, "boolean\" TYPE=\"");
	else
		cimxml_put(out, "string\" TYPE=\"");
	xml_put_text(out, cim_type_name(value->type));
	cimxml_put(out, "\">");
	if (value->is_set && !value->is_array)
		cimxml_put_text(out, value);
	cimxml_put(out, "</KEYVALUE>");
}

/* A key without a name is the only one. */
static void
put_key(GString *out, const char *name, const struct cim_value *value, const char *host)
{
	if (*name) {
		cimxml_put(out, "<KEYBINDING NAME=\"");
		xml_escape_attr(out, name, -1);
		cimxml_put(out, "\">");
	}
	put_key_value(out, value, host);
	if (*name)
		cimxml_put(out, "</KEYBINDING>");
}

void
cimxml_put_name_of(GString *out, const struct cim_instance *instance, const char *host)
{
	const struct cim_class *class = instance->class;
	cimxml_put(out, "<INSTANCENAME CLASSNAME=\"");
	xml_put_text(out, class->name);
	cimxml_put(out, "\">");
	for (guint i = 0; i < class->key_count; i++)
		put_key(out, class->properties[class->keys[i]].name,
			&instance->values[class->keys[i]], host);
	cimxml_put(out, "</INSTANCENAME>");
}

/* ---- paths ---- */

static void
put_name(GString *out, const struct cim_path *path, const char *host)
{
	xml_put_text(out, path->is_class ? "<CLASSNAME NAME=\"" : "<INSTANCENAME CLASSNAME=\"");
	xml_escape_attr(out, path->class_name, -1);
	cimxml_put(out, "\">");
	for (guint i = 0; i < path->key_count; i++)
		put_key(out, path->keys[i].name, &path->keys[i].value, host);
	xml_put_text(out, path->is_class ? "</CLASSNAME>" : "</INSTANCENAME>");
}

void
cimxml_put_path(GString *out, const struct cim_path *path, const char *host)
{
	const char *kind = path->is_class ? "CLASSPATH" : "INSTANCEPATH";
	const char *on = path->host ? path->host : host;
	if (!path->namespace) {
		put_name(out, path, host);
		return;
	}
	xml_put_text(out, on ? "<" : "<LOCAL");
	xml_put_text(out, kind);
	cimxml_put(out, ">");
	if (on)
		cimxml_put_namespace_path(out, on, path->namespace);
	else
		cimxml_put_namespace(out, path->namespace);
	put_name(out, path, host);
	xml_put_text(out, on ? "</" : "</LOCAL");
	xml_put_text(out, kind);
	cimxml_put(out, ">");
}

void
cimxml_write_instance_name(GString *out, const struct cim_path *path)
{
	cimxml_put_path(out, path, NULL);
}
