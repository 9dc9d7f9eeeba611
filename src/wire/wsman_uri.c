/* Resource URIs: which class in which namespace, and how this client spells it (DSP0227 5.3,
 * MS-WSMV 2.2.2). The host in front is anybody's: vendors put their own there. */
#include "wire/wsman_private.h"

#include "base/error.h"

#include <string.h>

/* Text inside the URI; the first row that is found decides. */
static const struct {
	const char *mark;
	enum wsman_uri_family family;
} forms[] = {
	{"/wbem/wscim/1/intrinsic", WSMAN_URI_INTRINSIC},
	{"/wbem/cim-xml/2/cim-schema/2/", WSMAN_URI_CLASS},
	{"/wbem/wscim/1/cim-schema/2/", WSMAN_URI_DMTF},
	{"/wbem/wscim/1/*", WSMAN_URI_ALL},
	{"/wbem/wsman/1/wmi/", WSMAN_URI_WMI},
	{"/wsman/2005/06/wmi/", WSMAN_URI_WMI}, /* before the DMTF had it */
};

void
wsman_uri_clear(struct wsman_uri *uri)
{
	g_free(uri->ns);
	g_free(uri->class_name);
	*uri = (struct wsman_uri){0};
}

static const char *
find_nocase(const char *text, const char *mark)
{
	const gsize len = strlen(mark);
	for (; *text; text++)
		if (*text == '/' && g_ascii_strncasecmp(text, mark, len) == 0)
			return text;
	return NULL;
}

/* "root/virtualization/v2/Msvm_X": the last part is the class. */
static gboolean
split_wmi(const char *rest, struct wsman_uri *uri)
{
	const char *slash = strrchr(rest, '/');
	if (!slash || slash == rest)
		return FALSE;
	uri->ns = g_strndup(rest, (gsize)(slash - rest));
	uri->class_name = g_strdup(slash + 1);
	return TRUE;
}

static gboolean
split(const char *rest, struct wsman_uri *uri)
{
	switch (uri->family) {
	case WSMAN_URI_WMI:
		return split_wmi(rest, uri);
	case WSMAN_URI_INTRINSIC:
		if (*rest && *rest != '/')
			return FALSE;
		uri->class_name = *rest ? g_strdup(rest + 1) : NULL;
		return TRUE;
	case WSMAN_URI_ALL:
		return *rest == '\0';
	default:
		uri->class_name = g_strdup(rest);
		return TRUE;
	}
}

gboolean
wsman_uri_parse(const char *text, struct wsman_uri *ret_uri)
{
	*ret_uri = (struct wsman_uri){0};
	if (strlen(text) > WSMAN_URI_TEXT_MAX)
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
		const char *found = find_nocase(text, forms[i].mark);
		if (!found)
			continue;
		ret_uri->family = forms[i].family;
		if (!split(found + strlen(forms[i].mark), ret_uri))
			return FALSE;
		if (g_strcmp0(ret_uri->class_name, "*") == 0)
			g_clear_pointer(&ret_uri->class_name, g_free);
		return !ret_uri->class_name ||
		       (*ret_uri->class_name && !strpbrk(ret_uri->class_name, "/?*"));
	}
	return FALSE;
}

static const char *
namespace_of(const struct wsman_reader *reader)
{
	if (reader->uri.ns)
		return reader->uri.ns;
	const char *selector = wsman_selector_namespace(reader->selectors);
	return selector && *selector ? selector : cim_namespace_name(reader->default_ns);
}

static gboolean
read_namespace(struct wsman_reader *reader, GError **error)
{
	struct cim_op *op = &reader->request->op;
	enum cim_language language = op->language;
	op->namespace_text = g_strstrip(g_strdup(namespace_of(reader)));
	op->ns = cim_namespace_find(op->namespace_text, &language);
	if (op->ns == CIM_NS_LAST)
		return cim_fail(error, CIM_ERR_INVALID_NAMESPACE, "there is no namespace \"%s\"",
				op->namespace_text);
	if (!reader->request->locale)
		op->language = language;
	return TRUE;
}

gboolean
wsman_read_target(struct wsman_reader *reader, GError **error)
{
	struct wsman_request *request = reader->request;
	if (!request->resource_uri)
		return wsman_fail(error, WSMAN_FAULT_INVALID_RESOURCE_URI,
				  "the request has no ResourceURI");
	if (!wsman_uri_parse(request->resource_uri, &reader->uri))
		return wsman_fail(error, WSMAN_FAULT_INVALID_RESOURCE_URI,
				  "the resource URI \"%s\" names no class", request->resource_uri);
	request->family = reader->uri.family;
	if (!read_namespace(reader, error))
		return FALSE;
	if (!reader->uri.class_name)
		return TRUE;
	request->op.class_name = g_strdup(reader->uri.class_name);
	reader->class = cim_schema_class(reader->schema, request->op.ns, reader->uri.class_name);
	return reader->class ? TRUE
			     : cim_fail(error, CIM_ERR_INVALID_CLASS,
					"namespace \"%s\" has no class \"%s\"",
					request->op.namespace_text, reader->uri.class_name);
}

/* ---- writing ---- */

/* Bytes of the client's own URI up to the class, when its family has one class behind that. */
static gsize
base_len(const struct wsman_request *request)
{
	if (!request->resource_uri ||
	    (request->family != WSMAN_URI_DMTF && request->family != WSMAN_URI_WMI))
		return 0;
	const char *slash = strrchr(request->resource_uri, '/');
	return slash ? (gsize)(slash + 1 - request->resource_uri) : 0;
}

static gboolean
is_foreign(const struct wsman_request *request, const char *ns)
{
	return ns && request->family == WSMAN_URI_WMI &&
	       cim_namespace_find(ns, NULL) != request->op.ns;
}

void
wsman_put_class_uri(GString *out, const struct wsman_request *request, const char *ns,
		    const char *class_name)
{
	const gsize len = base_len(request);
	if (is_foreign(request, ns)) {
		g_string_append(out, WSMAN_BASE_WMI);
		xml_escape_attr(out, ns, -1);
		g_string_append_c(out, '/');
	} else if (len) {
		xml_escape_attr(out, request->resource_uri, (gssize)len);
		/* the client's own spelling, so that it finds its class again */
		if (g_ascii_strcasecmp(request->resource_uri + len, class_name) == 0)
			class_name = request->resource_uri + len;
	} else {
		g_string_append(out, WSMAN_BASE_DMTF);
	}
	xml_escape_attr(out, class_name, -1);
}
