/* Bodies of Enumerate, Pull and Release (DSP0226 8, DSP0227 6). */
#include "wire/wsman_private.h"

#include <string.h>

/* MaxElements and the like: absent or no number above 0 means @otherwise. */
static guint64
read_limit(const struct xml_node *node, const char *name, guint64 max, guint64 otherwise)
{
	guint64 number = 0;
	const struct xml_node *child = wsman_child(node, name);
	return child && wsman_number(child, max, &number) && number ? number : otherwise;
}

static gboolean
read_max_time(const struct xml_node *node, struct wsman_request *request, GError **error)
{
	const struct xml_node *child = wsman_child(node, "MaxTime");
	g_autofree char *word = child ? wsman_word(child) : NULL;
	if (!word || !*word)
		return TRUE;
	if (wsman_duration(word, &request->max_time_usec) && request->max_time_usec > 0)
		return TRUE;
	return wsman_fail(error, WSMAN_FAULT_INVALID_TIMEOUT,
			  "MaxTime is no duration above 0: \"%s\"", word);
}

static gboolean
read_limits(const struct xml_node *node, struct wsman_request *request, GError **error)
{
	request->max_items = (guint)read_limit(node, "MaxElements", G_MAXUINT, WSMAN_ITEMS_DEFAULT);
	request->max_characters = read_limit(node, "MaxCharacters", G_MAXUINT64, 0);
	return read_max_time(node, request, error);
}

/* ---- Enumerate ---- */

static const struct {
	const char *name;
	enum wsman_mode mode;
} modes[] = {
	{"EnumerateEPR", WSMAN_EPRS},
	{"EnumerateObjectAndEPR", WSMAN_OBJECTS_AND_EPRS},
	{"EnumerateObject", WSMAN_OBJECTS},
};

static gboolean
read_mode(const struct xml_node *node, struct wsman_request *request, GError **error)
{
	const struct xml_node *child = wsman_child(node, "EnumerationMode");
	g_autofree char *word = child ? wsman_word(child) : NULL;
	for (guint i = 0; word && i < G_N_ELEMENTS(modes); i++) {
		if (strcmp(modes[i].name, word) == 0) {
			request->mode = modes[i].mode;
			return TRUE;
		}
	}
	return !word || !*word ? TRUE
			       : wsman_fail(error, WSMAN_FAULT_ENUMERATION_MODE,
					    "the enumeration mode \"%s\" is not known", word);
}

static const struct {
	const char *name;
	enum cim_polymorphism mode;
} polymorphisms[] = {
	{"IncludeSubClassProperties", CIM_POLY_INCLUDE},
	{"ExcludeSubClassProperties", CIM_POLY_EXCLUDE},
	{"None", CIM_POLY_NONE},
};

static gboolean
read_polymorphism(const struct xml_node *node, struct cim_op *op, GError **error)
{
	const struct xml_node *child = wsman_child(node, "PolymorphismMode");
	g_autofree char *word = child ? wsman_word(child) : NULL;
	gboolean known = !word || !*word;
	for (guint i = 0; word && i < G_N_ELEMENTS(polymorphisms); i++) {
		if (strcmp(polymorphisms[i].name, word) == 0) {
			op->polymorphism = polymorphisms[i].mode;
			known = TRUE;
		}
	}
	op->deep_inheritance = op->polymorphism == CIM_POLY_INCLUDE;
	return known ? TRUE
		     : wsman_fail(error, WSMAN_FAULT_POLYMORPHISM,
				  "the polymorphism mode \"%s\" is not known", word);
}

/* What the URI and the filter leave open. */
static gboolean
settle_class(struct wsman_reader *reader, GError **error)
{
	struct cim_op *op = &reader->request->op;
	if (op->kind != CIM_OP_NONE)
		return TRUE;
	if (!reader->class)
		return wsman_fail(error, WSMAN_FAULT_INVALID_RESOURCE_URI,
				  "\"%s\" stands for all classes and needs a filter",
				  reader->request->resource_uri);
	op->kind = CIM_OP_ENUMERATE_INSTANCES;
	return TRUE;
}

static gboolean
read_enumerate_body(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	struct wsman_request *request = reader->request;
	const struct xml_node *expires = wsman_child(node, "Expires");
	request->optimize = wsman_child(node, "OptimizeEnumeration") != NULL;
	if (!read_limits(node, request, error) || !read_mode(node, request, error) ||
	    !read_polymorphism(node, &request->op, error))
		return FALSE;
	return !expires || wsman_expires(expires, request, error);
}

/* Only the namespace may be selected: what is enumerated has no keys yet. */
static gboolean
check_selectors(const struct wsman_reader *reader, GError **error)
{
	const struct xml_node *selector = reader->selectors ? reader->selectors->first : NULL;
	for (; selector; selector = selector->next) {
		const char *name = xml_attr(selector, "Name");
		if (!name || g_ascii_strcasecmp(name, "__cimnamespace") != 0)
			return wsman_fail(error, WSMAN_FAULT_UNEXPECTED_SELECTORS,
					  "an enumeration takes no selector \"%s\"",
					  name ? name : "");
	}
	return TRUE;
}

gboolean
wsman_read_enumerate(struct wsman_reader *reader, GError **error)
{
	const struct xml_node *node = reader->body;
	if (!node || strcmp(node->name, "Enumerate") != 0)
		return wsman_fail(
			error, node ? WSMAN_FAULT_ACTION_MISMATCH : WSMAN_FAULT_SCHEMA_VALIDATION,
			"the body is no Enumerate");
	if (!wsman_read_target(reader, error) || !read_enumerate_body(reader, node, error))
		return FALSE;
	if (reader->uri.family == WSMAN_URI_CLASS) {
		reader->request->op.kind = CIM_OP_ENUMERATE_CLASSES;
		return wsman_read_class_name(reader, error);
	}
	return check_selectors(reader, error) && wsman_read_filter(reader, node, error) &&
	       settle_class(reader, error);
}

/* ---- Pull and Release ---- */

gboolean
wsman_read_pull(struct wsman_reader *reader, GError **error)
{
	struct wsman_request *request = reader->request;
	const char *expected = request->action == WSMAN_PULL ? "Pull" : "Release";
	const struct xml_node *node = reader->body;
	if (!node || strcmp(node->name, expected) != 0)
		return wsman_fail(
			error, node ? WSMAN_FAULT_ACTION_MISMATCH : WSMAN_FAULT_SCHEMA_VALIDATION,
			"the body is no %s", expected);
	const struct xml_node *context = wsman_child(node, "EnumerationContext");
	request->context = context ? wsman_word(context) : NULL;
	if (!request->context || !*request->context)
		return wsman_fail(error, WSMAN_FAULT_INVALID_CONTEXT,
				  "the request has no EnumerationContext");
	return read_limits(node, request, error);
}
