/* CIM-XML (DSP0201 in DSP0200): request bytes to struct cim_op, struct cim_reply to bytes. Written
 * strictly (end tags always, no VALUE.NULL in numeric arrays), read tolerantly. */
#pragma once

#include "wire/op.h"

#include <glib.h>

struct cimxml_request {
	char *message_id;
	char *call; /* IMETHODCALL or METHODCALL NAME, as written */
	gboolean is_extrinsic;
	struct cim_op op;
};

/* What a request that cannot be decoded deserves: an HTTP status with a CIMError header when it is
 * not even a message, an ERROR element when it is (DSP0200 7.3). */
struct cimxml_refusal {
	guint http_status;     /* 0: answer with cimxml_write_error() */
	const char *cim_error; /* "request-not-well-formed", ...; constant, or NULL */
};

void cimxml_request_clear(struct cimxml_request *request);
/* On failure @ret_request holds what is known (message id, call) for the error's answer; the caller
 * clears it in both cases. @error has a CIM status or CAIRN_ERROR. */
gboolean cimxml_read(const struct cim_schema *schema, const char *data, gsize len,
		     struct cimxml_request *ret_request, struct cimxml_refusal *ret_refusal,
		     GError **error);

/* Which properties of a class are shown; made once for many instances of one class. */
#define CIMXML_SELECTED_MAX 512 /* properties of a class; all behind them are shown */
struct cimxml_selection {
	const struct cim_class *class;
	guint64 bits[CIMXML_SELECTED_MAX / 64];
};

/* The answer in pieces, so that a list need not be in memory: begin, any number of items, end.
 * @host is put into paths. begin and end do all the work when reply has no list. */
struct cimxml_writer {
	const struct cimxml_request *request;
	const struct cim_schema *schema;
	const char *host;
	GString *out; /* borrowed; the caller takes bytes away as it likes */
	/* ERROR carries a CIM_Error instance: for pywbem and its like; wbemcli stumbles over it */
	gboolean error_instances;
	/* a pull: what opened the context (its PropertyList ...); NULL: the request itself */
	const struct cim_op *opened;
	struct cimxml_selection selection; /* the writer's own; begin with zero bytes */
};
void cimxml_write_begin(struct cimxml_writer *writer, const struct cim_reply *reply);
void cimxml_write_item(struct cimxml_writer *writer, const struct cim_instance *item);
void cimxml_write_end(struct cimxml_writer *writer, const struct cim_reply *reply);
/* A whole answer with an ERROR element. */
void cimxml_write_error(struct cimxml_writer *writer, const GError *error);

/* Parts that others need too. Appended to @out. */
void
cimxml_write_class(GString *out, const struct cim_class *class, const struct cim_op *op,
		   gboolean with_derivation); /* DERIVATION, as WS-Man's class metadata has it */
void cimxml_write_instance(GString *out, const struct cim_instance *instance,
			   const struct cim_op *op); /* op may be NULL: everything */
void cimxml_write_instance_name(GString *out, const struct cim_path *path);

/* An indication for a listener (DSP0200 5.4.2, ExportIndication): a whole message. */
void cimxml_write_indication(GString *out, const struct cim_instance *indication,
			     const char *message_id);
