/* CIM-XML exchanges: a long list is sent while it is made; pull operations keep it in a context. */
#include "cimd/dispatch_private.h"
#include "cimd/limits.h"

#include <string.h>

#define CONTENT_TYPE "application/xml; charset=\"utf-8\""

struct headers {
	struct http_header list[3];
};

/* DSP0200 7.4: Content-Language goes with texts that are not in the language of the sources. */
static struct headers
headers_in(enum cim_language language)
{
	struct headers headers = {{{"CIMOperation", "MethodResponse"}}};
	if (language != CIM_LANG_EN)
		headers.list[1] =
			(struct http_header){"Content-Language", cim_language_tag(language)};
	return headers;
}

/* The language of what succeeds: only classes, qualifiers and Msvm_Error have texts in several. */
static enum cim_language
language_of(const struct cim_op *op)
{
	gboolean is_error = op->kind == CIM_OP_INVOKE && op->method &&
			    g_ascii_strncasecmp(op->method, "GetError", 8) == 0;
	return is_error || op->kind == CIM_OP_GET_CLASS || op->kind == CIM_OP_ENUMERATE_CLASSES ||
			       op->kind == CIM_OP_ENUMERATE_QUALIFIERS ||
			       op->kind == CIM_OP_GET_QUALIFIER
		       ? op->language
		       : CIM_LANG_EN;
}

static void
reply_text(struct exchange *exchange, GString *text, enum cim_language language)
{
	g_autoptr(GBytes) body = g_string_free_to_bytes(text);
	const struct headers headers = headers_in(language);
	http_reply(exchange->x, 200, headers.list, CONTENT_TYPE, body);
	exchange_free(exchange);
}

static struct cimxml_writer
writer_of(struct exchange *exchange, GString *out)
{
	return (struct cimxml_writer){.request = exchange->cimxml,
				      .schema = exchange->dispatch->config.schema,
				      .host = exchange->dispatch->config.host,
				      .out = out};
}

static void
answer_error(struct exchange *exchange, const GError *error)
{
	GString *out = g_string_new(NULL);
	struct cimxml_writer writer = writer_of(exchange, out);
	enum cim_language language = exchange->cimxml->op.language;
	g_autoptr(GError) translated =
		languages_error(exchange->dispatch->config.languages, error, &language);
	cimxml_write_error(&writer, translated);
	reply_text(exchange, out, language);
}

/* ---- an answer while it is made ---- */

/* Items until @out is as long as one chunk; TRUE when the list is at its end. */
static gboolean
write_items(struct cimxml_writer *writer, struct cim_list *list)
{
	while (writer->out->len < HTTP_CHUNK) {
		cairn_auto(cim_instance) item = cim_list_next(list);
		if (!item)
			return TRUE;
		cimxml_write_item(writer, item);
	}
	return FALSE;
}

/* An http_next_fn; the exchange lives as long as its stream. */
static enum http_next
next_chunk(gpointer data, GString *chunk, struct http_failure *failure)
{
	struct exchange *exchange = data;
	struct cimxml_writer writer = writer_of(exchange, chunk);
	if (!write_items(&writer, exchange->reply.list))
		return HTTP_MORE;
	cimxml_write_end(&writer, &exchange->reply);
	return HTTP_END;
}

struct streamed {
	struct exchange *exchange;
	GString *first; /* what was written before it was clear that it is long */
};

static void
streamed_free(gpointer data)
{
	struct streamed *streamed = data;
	if (streamed->first)
		g_string_free(streamed->first, TRUE);
	exchange_free(streamed->exchange);
	g_free(streamed);
}

static enum http_next
next_streamed(gpointer data, GString *chunk, struct http_failure *failure)
{
	struct streamed *streamed = data;
	if (streamed->first) {
		g_string_append_len(chunk, streamed->first->str, (gssize)streamed->first->len);
		g_string_free(g_steal_pointer(&streamed->first), TRUE);
		return HTTP_MORE;
	}
	return next_chunk(streamed->exchange, chunk, failure);
}

/* A short answer goes out with its length, as every client likes it; a long one in chunks. Lists
 * cannot fail once they are begun, so no trailer is ever needed. */
static void
answer(struct exchange *exchange)
{
	GString *out;
	struct cimxml_writer writer;
	if (exchange->reply.error) {
		answer_error(exchange, exchange->reply.error);
		return;
	}
	out = g_string_sized_new(4096);
	writer = writer_of(exchange, out);
	cimxml_write_begin(&writer, &exchange->reply);
	if (!exchange->reply.list || write_items(&writer, exchange->reply.list)) {
		cimxml_write_end(&writer, &exchange->reply);
		reply_text(exchange, out, language_of(&exchange->cimxml->op));
		return;
	}
	const struct headers headers = headers_in(language_of(&exchange->cimxml->op));
	struct streamed *streamed = g_new0(struct streamed, 1);
	*streamed = (struct streamed){exchange, out};
	http_stream(exchange->x, 200, headers.list, CONTENT_TYPE, next_streamed, streamed,
		    streamed_free);
}

/* ---- pull operations (DSP0200 5.3.2.24): a context remembers the open ---- */

static void
opened_free(gpointer data)
{
	struct cimxml_request *opened = data;
	cimxml_request_clear(opened);
	g_free(opened);
}

/* The items of one answer: a list that ends after @left of them. */
struct slice {
	struct cim_list *list; /* the context's */
	guint left;
};

static struct cim_instance *
slice_next(void *data)
{
	struct slice *slice = data;
	if (!slice->left)
		return NULL;
	slice->left--;
	return cim_list_next(slice->list);
}

/* An answer to a pull is made at once: the context may be gone when a stream went on. Its size is
 * bounded by that instead. */
#define PULL_OBJECTS_MAX 10000

static void
answer_pull(struct exchange *exchange, struct context *context)
{
	static const struct cim_list_driver driver = {slice_next, g_free};
	struct cimxml_request *opened = context->opened;
	struct slice *slice = g_new0(struct slice, 1);
	GString *out = g_string_sized_new(4096);
	struct cimxml_writer writer = writer_of(exchange, out);
	*slice = (struct slice){context->list,
				MIN(exchange->cimxml->op.max_objects, PULL_OBJECTS_MAX)};
	exchange->reply.list = cim_list_new(&driver, slice);
	writer.opened = &opened->op;
	cimxml_write_begin(&writer, &exchange->reply);
	for (struct cim_instance *item; (item = cim_list_next(exchange->reply.list));
	     cim_instance_unref(item))
		cimxml_write_item(&writer, item);
	exchange->reply.end_of_sequence = !cim_list_peek(context->list);
	if (!exchange->reply.end_of_sequence)
		exchange->reply.context = g_strdup(context->id);
	cimxml_write_end(&writer, &exchange->reply);
	if (exchange->reply.end_of_sequence)
		contexts_remove(exchange->dispatch->contexts, context);
	reply_text(exchange, out, CIM_LANG_EN);
}

/* The list that an open asked for is there. */
static void
answer_open(struct exchange *exchange)
{
	g_autoptr(GError) error = NULL;
	struct cimxml_request *opened;
	struct context *context;
	if (exchange->reply.error) {
		answer_error(exchange, exchange->reply.error);
		return;
	}
	/* The context has the open's parameters; the answer needs its call and id only. */
	opened = g_new0(struct cimxml_request, 1);
	opened->op = exchange->cimxml->op;
	exchange->cimxml->op =
		(struct cim_op){.kind = CIM_OP_OPEN,
				.opens = opened->op.opens,
				.ns = opened->op.ns,
				.language = opened->op.language,
				.namespace_text = g_strdup(opened->op.namespace_text),
				.max_objects = opened->op.max_objects};
	if (!exchange->reply.list)
		exchange->reply.list = cim_list_of(g_ptr_array_new());
	context = contexts_add(exchange->dispatch->contexts, exchange->identity->user,
			       exchange->reply.list, opened, opened_free, opened->op.timeout_sec,
			       &error);
	if (!context) {
		opened_free(opened);
		answer_error(exchange, error);
		return;
	}
	exchange->reply.list = NULL;
	answer_pull(exchange, context);
}

static struct context *
find_context(struct exchange *exchange)
{
	const char *id = exchange->cimxml->op.context;
	return id ? contexts_find(exchange->dispatch->contexts, id, exchange->identity->user,
				  opened_free)
		  : NULL;
}

/* What each open gives is pulled by one of three operations; each says by `opens` which it is. */
static enum cim_op_kind
pulled_as(enum cim_op_kind opens)
{
	switch (opens) {
	case CIM_OP_ENUMERATE_INSTANCE_NAMES:
	case CIM_OP_ASSOCIATOR_NAMES:
	case CIM_OP_REFERENCE_NAMES:
		return CIM_OP_ENUMERATE_INSTANCE_NAMES;
	case CIM_OP_EXEC_QUERY:
		return CIM_OP_EXEC_QUERY;
	default:
		return CIM_OP_ENUMERATE_INSTANCES;
	}
}

static gboolean
fits(const struct cim_op *op, const struct context *context)
{
	const struct cimxml_request *opened = context->opened;
	return op->kind != CIM_OP_PULL || op->opens == pulled_as(opened->op.opens);
}

static void
run_context(struct exchange *exchange)
{
	g_autoptr(GError) error = NULL;
	struct context *context = find_context(exchange);
	struct cim_op *op = &exchange->cimxml->op;
	if (!context || !fits(op, context)) {
		cim_fail(&error, CIM_ERR_INVALID_ENUMERATION_CONTEXT,
			 "there is no such enumeration context for this operation: it ended, "
			 "expired, is another user's or of another kind");
		answer_error(exchange, error);
	} else if (op->kind == CIM_OP_PULL) {
		answer_pull(exchange, context);
	} else if (op->kind == CIM_OP_CLOSE) {
		contexts_remove(exchange->dispatch->contexts, context);
		answer(exchange);
	} else {
		cim_fail(&error, CIM_ERR_NOT_SUPPORTED,
			 "how many are left is not known before they are made");
		answer_error(exchange, error);
	}
}

/* As in dispatch_wsman.c: only a role that is gone is a reason. */
static void
context_refused(struct exchange *exchange)
{
	if (g_error_matches(exchange->reply.error, CIM_ERROR, CIM_ERR_ACCESS_DENIED)) {
		answer(exchange);
		return;
	}
	g_clear_error(&exchange->reply.error);
	run_context(exchange);
}

static void
dispatch_context(struct exchange *exchange)
{
	exchange_admit(exchange, run_context, context_refused);
}

static void
dispatch_open(struct exchange *exchange)
{
	struct cim_op *op = &exchange->cimxml->op;
	g_autoptr(GError) error = NULL;
	if (op->continue_on_error) {
		cim_fail(&error, CIM_ERR_CONTINUATION_ON_ERROR_NOT_SUPPORTED,
			 "ContinueOnError is not supported");
		answer_error(exchange, error);
		return;
	}
	exchange->answer = answer_open;
	op->kind = op->opens;
	exchange_run(exchange, op);
}

static void
dispatch_decoded(struct exchange *exchange)
{
	struct cim_op *op = &exchange->cimxml->op;
	exchange->answer = answer;
	if (op->kind == CIM_OP_OPEN)
		dispatch_open(exchange);
	else if (op->kind > CIM_OP_OPEN && op->kind < CIM_OP_INVOKE)
		dispatch_context(exchange);
	else
		exchange_run(exchange, op);
}

/* A namespace like root/virtualization/v2/MS_40C has said the language already. */
static void
choose_language(struct exchange *exchange)
{
	const char *wanted = http_exchange_header(exchange->x, "Accept-Language");
	if (wanted && exchange->cimxml->op.language == CIM_LANG_EN)
		exchange->cimxml->op.language = cim_language_find(wanted);
}

/* What is kept when it is answered must be small: what an open asked for, filters. */
static gboolean
check_kept(const struct exchange *exchange, gsize len, GError **error)
{
	const enum cim_op_kind kind = exchange->cimxml->op.kind;
	gsize most = G_MAXSIZE;
	if (kind == CIM_OP_OPEN || kind == CIM_OP_MODIFY_INSTANCE)
		most = KEPT_ENUMERATION_MAX;
	else if (kind == CIM_OP_CREATE_INSTANCE)
		most = KEPT_SUBSCRIPTION_MAX;
	return len <= most || cim_fail(error, CIM_ERR_SERVER_LIMITS_EXCEEDED,
				       "the request has more than %zu bytes", most);
}

static gboolean
is_method_call(const char *operation)
{
	return !operation || g_ascii_strcasecmp(operation, "MethodCall") == 0;
}

void
dispatch_cimxml(struct exchange *exchange)
{
	struct cimxml_refusal refusal = {0};
	g_autoptr(GError) error = NULL;
	gsize len;
	const char *data = g_bytes_get_data(http_exchange_body(exchange->x), &len);
	exchange->cimxml = g_new0(struct cimxml_request, 1);
	/* the headers are hints (DSP0200 7.2); only a wrong operation is refused by them */
	if (!is_method_call(http_exchange_header(exchange->x, "CIMOperation"))) {
		http_refuse(exchange->x, 400, "unsupported-operation");
		exchange_free(exchange);
		return;
	}
	gboolean ok = cimxml_read(exchange->dispatch->config.schema, data, len, exchange->cimxml,
				  &refusal, &error) &&
		      check_kept(exchange, len, &error);
	choose_language(exchange);
	if (ok) {
		dispatch_decoded(exchange);
	} else if (refusal.http_status) {
		http_refuse(exchange->x, refusal.http_status, refusal.cim_error);
		exchange_free(exchange);
	} else {
		answer_error(exchange, error);
	}
}
