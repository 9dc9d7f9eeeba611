/* The object model: what cairnd has, as instances of Hyper-V's classes. It mirrors groups, points,
 * jobs and machines over the control socket (one subscription, exact after each event), binds each
 * class to them by tables, and turns methods into requests.
 *
 *   mirror.c        cairnd's objects by id; who changed                 (requests, events)
 *   bind_*.c        class -> instances, property by property            (tables)
 *   associations.c  association class -> pairs of instances             (tables)
 *   methods_*.c     class and method -> requests and their answers      (tables)
 *   model.c         one struct cim_op -> one struct cim_reply
 */
#pragma once

#include "base/auto.h"
#include "control/link.h"
#include "wire/op.h"

#include <glib.h>

struct model;

struct languages;

struct model_config {
	const struct cim_schema *schema; /* outlives the model */
	const char *socket;		 /* control.sock */
	const char *host; /* name in object paths and of Msvm_ComputerSystem's host */
	const struct languages *languages; /* of Msvm_Error; outlives the model; NULL: English */
};

/* An object came, changed or went. @before is NULL for a new one, @after for one that is gone. Both
 * are instances of the same class and may be looked at until the function returns (or referenced).
 * Not told while the mirror is being filled. */
typedef void (*model_change_fn)(enum cim_namespace_id ns, struct cim_instance *before,
				struct cim_instance *after, void *user_data);

struct model *model_new(const struct model_config *config, model_change_fn change, void *user_data);
void model_free(struct model *model);
CAIRN_DEFINE_AUTO(model, model_free)
/* Whether the mirror is filled and the daemon answers. */
gboolean model_ready(const struct model *model);

typedef void (*model_done_fn)(struct cim_reply *reply, void *user_data); /* takes *reply over */

/* Does @op for @user (an authenticated name; never NULL: "nobody" does not get here). When the
 * answer is at hand, fills *@ret_reply and returns TRUE: the fast path of reads. Else returns
 * FALSE, and @done is called once, later, from the main loop; @op stays as it is until then, or
 * until model_cancel(). Pull operations (PULL, CLOSE) are not for here: the caller opens with
 * OPEN, the operation in op->opens. Errors are CIM_ERROR or CAIRN_ERROR; a method's own refusal is
 * its return value. Lists are not narrowed to op->list or the query's,
 * and are not read any more when the model is gone. */
gboolean model_run(struct model *model, const struct cim_op *op, const char *user,
		   struct cim_reply *ret_reply, model_done_fn done, void *user_data);
/* Whether @user has a role at all, for what is not the model's own: answers as model_run() does,
 * with nothing or with CIM_ERR_ACCESS_DENIED. Any other error says that it is not known now. */
gboolean model_admit(struct model *model, const char *user, struct cim_reply *ret_reply,
		     model_done_fn done, void *user_data);
/* Drops a run whose client went away: @done is not called any more. What was asked of cairnd goes
 * on. */
void model_cancel(struct model *model, model_done_fn done, void *user_data);
