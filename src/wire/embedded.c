/* Instances as text in strings. XML is told from MOF by its first character; CIM's, WMI's and MI's
 * XML by the name of the root from WS-CIM's, whose elements are read as WS-Management reads them.
 */
#include "wire/embedded.h"

#include "base/error.h"
#include "cim/mof.h"
#include "wire/cimxml_private.h"
#include "wire/wsman_private.h"

#include <string.h>

#define WRAPPER_DEPTH 8 /* CIM, DECLARATION, DECLGROUP, VALUE.OBJECT ... around an INSTANCE */
static const char byte_order_mark[] = "\xef\xbb\xbf";

static const char *
skip_blanks(const char *text)
{
	if (g_str_has_prefix(text, byte_order_mark))
		text += sizeof byte_order_mark - 1;
	while (g_ascii_isspace(*text))
		text++;
	return text;
}

static const char *
behind(const char *text, const char *end)
{
	const char *found = strstr(text, end);
	return found ? found + strlen(end) : text + strlen(text);
}

/* WMI's texts may begin with a DOCTYPE that names its DTD. It is skipped; one that declares
 * something ('[') stays, for the XML reader to refuse. */
static const char *
skip_prolog(const char *text)
{
	for (;;) {
		text = skip_blanks(text);
		if (g_str_has_prefix(text, "<?")) {
			text = behind(text, "?>");
		} else if (g_str_has_prefix(text, "<!--")) {
			text = behind(text, "-->");
		} else if (g_str_has_prefix(text, "<!DOCTYPE")) {
			gsize len = strcspn(text, "[>");
			if (text[len] != '>')
				return text;
			text += len + 1;
		} else {
			return text;
		}
	}
}

/* ---- INSTANCE ---- */

static gboolean
is_wrapper(const struct xml_node *node)
{
	return strcmp(node->name, "CIM") == 0 || g_str_has_prefix(node->name, "DECL") ||
	       g_str_has_prefix(node->name, "VALUE.");
}

static const struct xml_node *
find_instance(const struct xml_node *node, guint depth)
{
	const struct xml_node *found = NULL;
	if (strcmp(node->name, "INSTANCE") == 0)
		return node;
	if (depth == 0 || !is_wrapper(node))
		return NULL;
	for (node = node->first; node && !found; node = node->next)
		found = find_instance(node, depth - 1);
	return found;
}

/* ---- WS-CIM elements ---- */

/* "p1:Msvm_X_Type" of xsi:type, the last part of the namespace, or the element's own name. */
static const struct cim_class *
element_class(const struct cim_schema *schema, enum cim_namespace_id ns,
	      const struct xml_node *node)
{
	const char *type = xml_attr(node, "type");
	const char *slash = node->ns ? strrchr(node->ns, '/') : NULL;
	const struct cim_class *class = NULL;
	if (type) {
		const char *colon = strchr(type, ':');
		g_autofree char *name = g_strdup(colon ? colon + 1 : type);
		if (g_str_has_suffix(name, "_Type"))
			name[strlen(name) - strlen("_Type")] = '\0';
		class = cim_schema_class(schema, ns, name);
	}
	if (!class && slash)
		class = cim_schema_class(schema, ns, slash + 1);
	return class ? class : cim_schema_class(schema, ns, node->name);
}

static struct cim_instance *
read_element(const struct cim_schema *schema, enum cim_namespace_id ns, const struct xml_node *node,
	     GError **error)
{
	const struct cim_class *class = element_class(schema, ns, node);
	struct wsman_request request = {
		.op = {.ns = ns, .namespace_text = (char *)cim_namespace_name(ns)}};
	struct wsman_reader reader = {.schema = schema, .default_ns = ns, .request = &request};
	if (!class) {
		cim_fail(error, CIM_ERR_INVALID_CLASS, "there is no class \"%s\" in %s", node->name,
			 cim_namespace_name(ns));
		return NULL;
	}
	return wsman_read_instance(&reader, class, node, FALSE, NULL, error);
}

/* ---- what the text is ---- */

static gboolean
refuse_class(const struct xml_node *root, GError **error)
{
	return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "the text is a %s, no instance",
			root->name);
}

static struct cim_instance *
parse_xml(const struct cim_schema *schema, enum cim_namespace_id ns, const char *text,
	  GError **error)
{
	const struct cimxml_scope scope = {schema, ns, TRUE};
	cairn_auto(xml_document) document = xml_parse(text, strlen(text), error);
	if (!document)
		return NULL;
	const struct xml_node *root = xml_root(document);
	const struct xml_node *instance = find_instance(root, WRAPPER_DEPTH);
	if (instance)
		return cimxml_read_instance(&scope, instance, NULL, error);
	if (strcmp(root->name, "CLASS") != 0 && !is_wrapper(root))
		return read_element(schema, ns, root, error);
	refuse_class(root, error);
	return NULL;
}

static struct cim_instance *
parse_mof(const struct cim_schema *schema, enum cim_namespace_id ns, const char *text,
	  GError **error)
{
	g_autoptr(GPtrArray) found = mof_parse_instances(schema, ns, text, strlen(text), error);
	if (!found)
		return NULL;
	if (found->len == 1)
		return cim_instance_ref(found->pdata[0]);
	cim_fail(error, CIM_ERR_INVALID_PARAMETER, "the text has %u instances, one is due",
		 found->len);
	return NULL;
}

/* What others' parsers say, in CIM's words. */
static void
translate(GError *error)
{
	if (error->domain == CIM_ERROR)
		return;
	gboolean no_class = error->domain == CAIRN_ERROR && error->code == CAIRN_ERROR_NOT_FOUND;
	error->domain = CIM_ERROR;
	error->code = no_class ? CIM_ERR_INVALID_CLASS : CIM_ERR_INVALID_PARAMETER;
}

struct cim_instance *
embedded_parse(const struct cim_schema *schema, enum cim_namespace_id ns, const char *text,
	       GError **error)
{
	g_autoptr(GError) problem = NULL;
	struct cim_instance *instance;
	text = skip_blanks(text);
	if (strlen(text) > CIM_STRING_MAX) {
		cim_fail(error, CIM_ERR_INVALID_PARAMETER, "an instance has at most %d bytes",
			 CIM_STRING_MAX);
		return NULL;
	}
	if (*text == '<')
		instance = parse_xml(schema, ns, skip_prolog(text), &problem);
	else
		instance = parse_mof(schema, ns, text, &problem);
	if (instance)
		return instance;
	translate(problem);
	g_propagate_prefixed_error(error, g_steal_pointer(&problem), "embedded instance: ");
	return NULL;
}

void
embedded_print(const struct cim_instance *instance, GString *text)
{
	cimxml_write_instance(text, instance, NULL);
}
