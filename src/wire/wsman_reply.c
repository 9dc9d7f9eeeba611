/* Bodies of answers: instances, created references, methods' output, class metadata, pages of
 * enumerations. */
#include "wire/wsman_private.h"

#include "wire/cimxml.h"

#include <string.h>

/* ---- one answer ---- */

static void
put_instance_or_nothing(struct wsman_writer *writer, const struct cim_instance *instance)
{
	if (instance)
		wsman_put_instance(writer, instance, instance->class, NULL);
}

static gboolean
has_text(const struct cim_value *value)
{
	return value->is_set && !value->is_embedded && value->type != CIM_REFERENCE;
}

static void
put_fragment_item(struct wsman_writer *writer, guint prefix, const struct cim_value *value)
{
	const struct wsman_request *request = writer->request;
	if (!request->fragment_text)
		wsman_put_value(writer, prefix, request->fragment, value);
	else if (has_text(value) && value->type == CIM_DATETIME)
		xml_escape(writer->out, value->u.string, -1);
	else if (has_text(value))
		wsman_put_content(writer, value);
}

/* Nothing selected is an empty XmlFragment (DSP0226 7.7). */
static void
put_fragment(struct wsman_writer *writer, const struct cim_instance *instance)
{
	const struct wsman_request *request = writer->request;
	const guint index = request->fragment_index;
	const struct cim_value *value =
		instance ? cim_instance_get(instance, request->fragment) : NULL;
	const guint prefix = instance ? wsman_prefix(writer, instance->class->name) : 0;
	g_string_append(writer->out, "<wsman:XmlFragment>");
	if (value && value->is_set && value->is_array) {
		for (guint i = 0; i < value->count; i++)
			if (!index || index == i + 1)
				put_fragment_item(writer, prefix, &value->u.items[i]);
	} else if (value && index <= 1) {
		put_fragment_item(writer, prefix, value);
	}
	g_string_append(writer->out, "</wsman:XmlFragment>");
}

static void
put_get(struct wsman_writer *writer, const struct cim_reply *reply)
{
	const struct cim_op *op = &writer->request->op;
	if (op->kind == CIM_OP_GET_CLASS && reply->classes && reply->classes[0])
		cimxml_write_class(writer->out, reply->classes[0], op, TRUE);
	else if (writer->request->fragment)
		put_fragment(writer, reply->instance);
	else
		put_instance_or_nothing(writer, reply->instance);
}

static void
put_put(struct wsman_writer *writer, const struct cim_reply *reply)
{
	if (writer->request->fragment && reply->instance)
		put_fragment(writer, reply->instance);
	else
		put_instance_or_nothing(writer, reply->instance);
}

static void
put_create(struct wsman_writer *writer, const struct cim_reply *reply)
{
	g_string_append(writer->out, "<wxf:ResourceCreated>");
	if (reply->instance)
		wsman_put_instance_epr(writer, reply->instance);
	g_string_append(writer->out, "</wxf:ResourceCreated>");
}

static void
put_delete(struct wsman_writer *writer, const struct cim_reply *reply)
{
}

static void
put_output_tag(struct wsman_writer *writer, guint prefix, const char *start)
{
	g_string_append(writer->out, start);
	wsman_put_prefix(writer->out, prefix);
	g_string_append(writer->out, writer->request->op.method);
	g_string_append(writer->out, "_OUTPUT>");
}

/* openwsman's answers: clients look for elements called name. */
static void
put_intrinsic(struct wsman_writer *writer, guint prefix, const struct cim_reply *reply)
{
	const struct cim_class *const *class = reply->classes;
	for (; class && *class; class ++) {
		const struct cim_value name = {
			.type = CIM_STRING, .is_set = TRUE, .u.string = (char *)(*class)->name};
		wsman_put_value(writer, prefix, "name", &name);
		if (writer->request->op.kind == CIM_OP_GET_CLASS)
			cimxml_write_class(writer->out, *class, &writer->request->op, TRUE);
	}
}

/* The return value comes last; a method without one has none. */
static void
put_output(struct wsman_writer *writer, const struct cim_reply *reply)
{
	const struct cim_op *op = &writer->request->op;
	const guint prefix = wsman_prefix(writer, op->class_name ? op->class_name : "intrinsic");
	put_output_tag(writer, prefix, "<");
	if (op->kind != CIM_OP_INVOKE)
		put_intrinsic(writer, prefix, reply);
	for (guint i = 0; reply->arguments && i < reply->arguments->len; i++) {
		const struct cim_argument *argument =
			&g_array_index(reply->arguments, struct cim_argument, i);
		wsman_put_value(writer, prefix, argument->name, &argument->value);
	}
	if (reply->value.type != CIM_TYPE_NONE)
		wsman_put_value(writer, prefix, "ReturnValue", &reply->value);
	put_output_tag(writer, prefix, "</");
}

/* @changes: done already when the answer turns out to be too large. */
static const struct {
	void (*put)(struct wsman_writer *writer, const struct cim_reply *reply);
	gboolean changes;
} bodies[] = {
	[WSMAN_GET] = {put_get, FALSE},	     [WSMAN_PUT] = {put_put, TRUE},
	[WSMAN_CREATE] = {put_create, TRUE}, [WSMAN_DELETE] = {put_delete, TRUE},
	[WSMAN_INVOKE] = {put_output, TRUE},
};

/* A fragment's answer says again which it is (DSP0226 7.7). */
static char *
fragment_header(const struct wsman_request *request)
{
	if (!request->fragment)
		return NULL;
	GString *header = g_string_new("<wsman:FragmentTransfer s:mustUnderstand=\"true\">");
	xml_escape(header, request->fragment, -1);
	if (request->fragment_index)
		g_string_append_printf(header, "[%u]", request->fragment_index);
	g_string_append_printf(header, "%s</wsman:FragmentTransfer>",
			       request->fragment_text ? "/text()" : "");
	return g_string_free(header, FALSE);
}

gboolean
wsman_write_reply(GString *out, const struct cim_schema *schema,
		  const struct wsman_request *request, const struct cim_reply *reply,
		  GError **error)
{
	struct wsman_writer writer;
	const gsize before = out->len;
	g_autofree char *action = wsman_response_action(request);
	g_autofree char *extra = fragment_header(request);
	if ((guint)request->action >= G_N_ELEMENTS(bodies) || !bodies[request->action].put)
		return wsman_fail(error, WSMAN_FAULT_INTERNAL, "\"%s\" has no answer", action);
	wsman_writer_begin(&writer, request);
	bodies[request->action].put(&writer, reply);
	wsman_writer_end(&writer, out, action, extra);
	if (out->len - before <= request->max_envelope)
		return TRUE;
	const gsize size = out->len - before;
	g_string_truncate(out, before);
	return wsman_fail(error,
			  bodies[request->action].changes ? WSMAN_FAULT_UNREPORTABLE
							  : WSMAN_FAULT_ENCODING_LIMIT,
			  "the answer takes %zu bytes, more than MaxEnvelopeSize", size);
}

/* ---- pages ---- */

#define PAGE_TAGS_MAX	 320 /* bytes of the elements around context and items */
#define PAGE_CLASSES_TOP 16  /* classes that one more item may declare */

struct page {
	struct wsman_writer writer;
	const struct wsman_request *enumerate, *request;
	const struct cim_class *as; /* PolymorphismMode Exclude: what all items look like */
	char *action;
	gsize overhead;	    /* bytes of the envelope besides items and declarations */
	guint64 characters; /* of the items that were taken */
	guint count;
};

static void
page_begin(struct page *page, const struct wsman_request *enumerate,
	   const struct wsman_request *request, const char *context)
{
	*page = (struct page){.enumerate = enumerate, .request = request};
	page->action = wsman_response_action(request);
	wsman_writer_begin(&page->writer, enumerate);
	page->writer.elements = enumerate->action == WSMAN_SUBSCRIBE;
	/* the head is the answer's, not the opener's */
	page->writer.request = request;
	page->overhead = wsman_writer_overhead(&page->writer, page->action, NULL) + PAGE_TAGS_MAX +
			 strlen(context ? context : "");
	page->writer.request = enumerate;
}

/* Whether the item behind @start may stay, with all before it. */
static gboolean
page_fits(struct page *page, gsize start)
{
	const GString *items = page->writer.out;
	const gsize size = page->overhead + page->writer.declared->len + items->len;
	if (size > page->request->max_envelope)
		return FALSE;
	if (!page->request->max_characters)
		return TRUE;
	const guint64 all = page->characters + (guint64)g_utf8_strlen(items->str + start,
								      (gssize)(items->len - start));
	if (all > page->request->max_characters)
		return FALSE;
	page->characters = all;
	return TRUE;
}

static gboolean
page_full(const struct page *page)
{
	return page->count >= MAX(page->request->max_items, 1) ||
	       page->writer.class_count + PAGE_CLASSES_TOP > WSMAN_CLASSES_MAX;
}

enum page_put { PAGE_TAKEN, PAGE_SKIPPED, PAGE_STOP, PAGE_TOO_LARGE };

/* Settles the item that was written behind @start with @classes and @declared before it. */
static enum page_put
page_settle(struct page *page, gsize start, guint classes, gsize declared)
{
	if (page_fits(page, start)) {
		page->count++;
		return PAGE_TAKEN;
	}
	g_string_truncate(page->writer.out, start);
	g_string_truncate(page->writer.declared, declared);
	page->writer.class_count = classes;
	if (page->count)
		return PAGE_STOP;
	return page->request->skip_oversized ? PAGE_SKIPPED : PAGE_TOO_LARGE;
}

/* The last page of an Enumerate has an empty context, the last of a Pull none; items are in
 * wsman's namespace in the one and in wsen's in the other (DSP0226 8.4 and 8.7). */
static void
page_end(struct page *page, GString *out, const char *context, gboolean items, gboolean end)
{
	const gboolean pull = page->request->action == WSMAN_PULL;
	const char *ns = pull ? "wsen" : "wsman";
	const char *name = pull ? "Pull" : "Enumerate";
	GString *body = g_string_sized_new(page->writer.out->len + PAGE_TAGS_MAX);
	g_string_append_printf(body, "<wsen:%sResponse>", name);
	if (!end)
		wsman_put_element(body, "wsen:EnumerationContext", context ? context : "");
	else if (!pull)
		g_string_append(body, "<wsen:EnumerationContext/>");
	if (items) {
		g_string_append_printf(body, "<%s:Items>", ns);
		g_string_append_len(body, page->writer.out->str, (gssize)page->writer.out->len);
		g_string_append_printf(body, "</%s:Items>", ns);
	}
	if (end)
		g_string_append_printf(body, "<%s:EndOfSequence/>", ns);
	g_string_append_printf(body, "</wsen:%sResponse>", name);
	g_string_free(page->writer.out, TRUE);
	page->writer.out = body;
	page->writer.request = page->request;
	wsman_writer_end(&page->writer, out, page->action, NULL);
	g_free(page->action);
}

static gboolean
page_fail(struct page *page, GError **error)
{
	wsman_writer_clear(&page->writer);
	g_free(page->action);
	return wsman_fail(error, WSMAN_FAULT_ENCODING_LIMIT,
			  "one item does not fit into MaxEnvelopeSize or MaxCharacters");
}

/* An Enumerate that did not ask for items gets a context only. */
static gboolean
only_context(const struct wsman_request *request)
{
	return request->action == WSMAN_ENUMERATE && !request->optimize;
}

static void
put_epr_item(struct wsman_writer *writer, const struct cim_instance *item)
{
	g_string_append(writer->out, "<wsa:EndpointReference>");
	wsman_put_instance_epr(writer, item);
	g_string_append(writer->out, "</wsa:EndpointReference>");
}

static void
put_item(struct page *page, const struct cim_instance *item)
{
	const struct cim_op *op = &page->enumerate->op;
	const struct cim_property_list *list = op->list	   ? op->list
					       : op->query ? op->query->list
							   : NULL;
	const enum wsman_mode mode = page->enumerate->mode;
	const struct cim_class *as =
		page->as && cim_class_isa(item->class, page->as) ? page->as : item->class;
	if (mode == WSMAN_OBJECTS_AND_EPRS)
		g_string_append(page->writer.out, "<wsman:Item>");
	if (mode != WSMAN_EPRS)
		wsman_put_instance(&page->writer, item, as, list);
	if (mode != WSMAN_OBJECTS)
		put_epr_item(&page->writer, item);
	if (mode == WSMAN_OBJECTS_AND_EPRS)
		g_string_append(page->writer.out, "</wsman:Item>");
}

static gboolean
put_items(struct page *page, struct cim_list *list)
{
	const struct cim_instance *item;
	while (!page_full(page) && (item = cim_list_peek(list))) {
		const gsize start = page->writer.out->len, declared = page->writer.declared->len;
		const guint classes = page->writer.class_count;
		put_item(page, item);
		switch (page_settle(page, start, classes, declared)) {
		case PAGE_TAKEN:
		case PAGE_SKIPPED:
			cim_instance_unref(cim_list_next(list));
			break;
		case PAGE_STOP:
			return TRUE;
		case PAGE_TOO_LARGE:
			return FALSE;
		}
	}
	return TRUE;
}

gboolean
wsman_write_page(GString *out, const struct cim_schema *schema,
		 const struct wsman_request *enumerate, const struct wsman_request *request,
		 struct cim_list *list, const char *context, gboolean *ret_end, GError **error)
{
	struct page page;
	const struct cim_op *op = &enumerate->op;
	const gboolean items = !only_context(request);
	page_begin(&page, enumerate, request, context);
	if (op->polymorphism == CIM_POLY_EXCLUDE && op->class_name)
		page.as = cim_schema_class(schema, op->ns, op->class_name);
	if (items && !put_items(&page, list))
		return page_fail(&page, error);
	const gboolean end = items && !cim_list_peek(list);
	page_end(&page, out, context, items, end);
	*ret_end = end;
	return TRUE;
}

static gboolean
put_classes(struct page *page, const struct cim_class *const *classes, guint *position)
{
	while (!page_full(page) && classes[*position]) {
		const gsize start = page->writer.out->len, declared = page->writer.declared->len;
		cimxml_write_class(page->writer.out, classes[*position], &page->enumerate->op,
				   TRUE);
		const enum page_put put = page_settle(page, start, 0, declared);
		if (put == PAGE_STOP || put == PAGE_TOO_LARGE)
			return put == PAGE_STOP;
		(*position)++;
	}
	return TRUE;
}

gboolean
wsman_write_class_page(GString *out, const struct wsman_request *enumerate,
		       const struct wsman_request *request, const struct cim_class *const *classes,
		       guint *position, const char *context, gboolean *ret_end, GError **error)
{
	struct page page;
	const gboolean items = !only_context(request);
	page_begin(&page, enumerate, request, context);
	if (items && !put_classes(&page, classes, position))
		return page_fail(&page, error);
	const gboolean end = items && !classes[*position];
	page_end(&page, out, context, items, end);
	*ret_end = end;
	return TRUE;
}
