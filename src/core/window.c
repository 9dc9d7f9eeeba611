/* The window's state table.
 *
 *   MARK -> FREEZE -> PAUSE -> BEGIN -> RESUME -> THAW -> END
 *     |        |        |        |        ^         ^
 *     |        |        +--------+--------+         |      any failure, or the deadline
 *     +--------+------------------------------------+
 *
 * Flags go up when a deed is ordered and down when its undo succeeded; RESUME and THAW work from
 * the flags, so they cannot forget anyone. */
#include "core/window.h"

#include "base/error.h"

static const char *const deed_names[DEED_LAST] = {
	[DEED_FREEZE] = "freeze", [DEED_SUSPEND] = "suspend", [DEED_BEGIN] = "begin",
	[DEED_RESUME] = "resume", [DEED_THAW] = "thaw",
};

const char *
window_deed_name(enum window_deed deed)
{
	return deed_names[deed];
}

static void
member_free(struct window_member *member)
{
	g_free(member->id);
	g_free(member->name);
	g_free(member->reason);
	g_clear_error(&member->error);
	g_free(member);
}

struct window *
window_new(enum consistency requested, gboolean barrier, gint64 freeze_limit, gint64 pause_limit)
{
	struct window *window = g_new0(struct window, 1);
	window->requested = requested;
	window->barrier = barrier;
	window->freeze_limit = freeze_limit;
	window->pause_limit = pause_limit;
	window->members = g_ptr_array_new_with_free_func((GDestroyNotify)member_free);
	return window;
}

void
window_free(struct window *window)
{
	if (!window)
		return;
	g_ptr_array_unref(window->members);
	g_clear_error(&window->own_error);
	g_free(window);
}

struct window_member *
window_add(struct window *window, const char *id, const char *name)
{
	struct window_member *member = g_new0(struct window_member, 1);
	member->id = g_strdup(id);
	member->name = g_strdup(name);
	member->consistency = CONSISTENCY_CRASH;
	g_ptr_array_add(window->members, member);
	return member;
}

static struct window_member *
member_at(const struct window *window, guint index)
{
	return window->members->pdata[index];
}

/* ---- what takes part in a phase ---- */

static gboolean
wants_freeze(const struct window *window, const struct window_member *member)
{
	return window->requested != CONSISTENCY_CRASH && member->running && member->agent;
}

static gboolean
takes_part(const struct window *window, const struct window_member *member)
{
	switch (window->phase) {
	case WINDOW_MARK:
		return member->off;
	case WINDOW_FREEZE:
		return wants_freeze(window, member);
	case WINDOW_PAUSE:
		return window->barrier && member->running;
	case WINDOW_BEGIN:
		return !member->off;
	case WINDOW_RESUME:
		return member->paused && !member->pending[DEED_SUSPEND];
	case WINDOW_THAW:
		return member->frozen && !member->pending[DEED_FREEZE];
	default:
		return FALSE;
	}
}

static const struct {
	enum window_deed deed;
	enum window_deed awaits; /* a deed of before that must have ended too */
	enum window_phase next, fail;
} table[] = {
	[WINDOW_MARK] = {DEED_BEGIN, DEED_LAST, WINDOW_FREEZE, WINDOW_THAW},
	[WINDOW_FREEZE] = {DEED_FREEZE, DEED_LAST, WINDOW_PAUSE, WINDOW_THAW},
	[WINDOW_PAUSE] = {DEED_SUSPEND, DEED_LAST, WINDOW_BEGIN, WINDOW_RESUME},
	[WINDOW_BEGIN] = {DEED_BEGIN, DEED_LAST, WINDOW_RESUME, WINDOW_RESUME},
	[WINDOW_RESUME] = {DEED_RESUME, DEED_SUSPEND, WINDOW_THAW, WINDOW_THAW},
	[WINDOW_THAW] = {DEED_THAW, DEED_FREEZE, WINDOW_END, WINDOW_END},
};

static void
order(struct window *window, guint index, GArray *orders)
{
	struct window_member *member = member_at(window, index);
	enum window_deed deed = table[window->phase].deed;
	member->asked[deed] = TRUE;
	member->pending[deed] = TRUE;
	member->frozen |= deed == DEED_FREEZE;
	member->paused |= deed == DEED_SUSPEND;
	member->begun |= deed == DEED_BEGIN;
	struct window_order one = {deed, index};
	g_array_append_val(orders, one);
}

/* Without the barrier the machines come one after another, as scripts do it. */
static gboolean
one_at_a_time(const struct window *window)
{
	return window->phase == WINDOW_BEGIN && !window->barrier;
}

static gboolean
anyone_pending(const struct window *window, enum window_deed deed)
{
	for (guint i = 0; deed != DEED_LAST && i < window->members->len; i++)
		if (member_at(window, i)->pending[deed])
			return TRUE;
	return FALSE;
}

static void
order_phase(struct window *window, GArray *orders)
{
	enum window_deed deed = table[window->phase].deed;
	for (guint i = 0; i < window->members->len; i++) {
		if (member_at(window, i)->asked[deed] || !takes_part(window, member_at(window, i)))
			continue;
		if (one_at_a_time(window) && (anyone_pending(window, deed) || window->error))
			return;
		order(window, i, orders);
	}
}

/* ---- consistency ---- */

static void
lower(struct window_member *member, const char *reason)
{
	member->consistency = CONSISTENCY_CRASH;
	if (!member->reason)
		member->reason = g_strdup(reason);
}

static void
set_failed(struct window *window, const GError *error, const char *vm)
{
	if (window->error)
		return;
	window->error = error;
	window->error_vm = vm;
}

/* A member that cannot be frozen: the point fails if application consistency was demanded. */
static void
cannot_freeze(struct window *window, struct window_member *member, const char *reason)
{
	lower(member, reason);
	if (window->requested != CONSISTENCY_APPLICATION)
		return;
	if (!member->error)
		member->error = g_error_new(CAIRN_ERROR, CAIRN_ERROR_STATE,
					    "machine \"%s\" cannot be application consistent: %s",
					    member->name, reason);
	set_failed(window, member->error, member->id);
}

static void
judge_members(struct window *window)
{
	for (guint i = 0; i < window->members->len; i++) {
		struct window_member *member = member_at(window, i);
		if (member->off) /* its file systems were closed in order */
			member->consistency = CONSISTENCY_APPLICATION;
		else if (window->requested == CONSISTENCY_CRASH)
			lower(member, NULL);
		else if (!member->running)
			cannot_freeze(window, member, "it is paused");
		else if (!member->agent)
			cannot_freeze(window, member, "no guest agent answers");
	}
}

/* ---- moving ---- */

/* Does a guest wait for us? If none does, nothing has to hurry. */
static gboolean
stands_still(const struct window *window)
{
	for (guint i = 0; i < window->members->len; i++)
		if (takes_part(window, member_at(window, i)) || member_at(window, i)->frozen)
			return TRUE;
	return FALSE;
}

static void
enter(struct window *window, enum window_phase phase, gint64 now)
{
	window->phase = phase;
	if (phase == WINDOW_FREEZE)
		window->deadline = now + window->freeze_limit;
	else if (phase == WINDOW_PAUSE)
		window->deadline = stands_still(window) ? now + window->pause_limit : 0;
	else if (phase != WINDOW_BEGIN) /* BEGIN shares PAUSE's */
		window->deadline = 0;
}

static gboolean
phase_over(const struct window *window)
{
	if (anyone_pending(window, table[window->phase].deed) ||
	    anyone_pending(window, table[window->phase].awaits))
		return FALSE;
	/* A begin that hangs must not keep anyone paused, but nothing is over before it is. */
	return window->phase != WINDOW_THAW || !anyone_pending(window, DEED_BEGIN);
}

static GArray *
advance(struct window *window, gint64 now, GArray *orders)
{
	while (window->phase != WINDOW_END) {
		order_phase(window, orders);
		if (!phase_over(window))
			return orders;
		enter(window, window->error ? table[window->phase].fail : table[window->phase].next,
		      now);
	}
	return orders;
}

GArray *
window_start(struct window *window, gint64 now)
{
	GArray *orders = g_array_new(FALSE, FALSE, sizeof(struct window_order));
	judge_members(window);
	enter(window, WINDOW_MARK, now);
	if (window->error)
		enter(window, WINDOW_THAW, now);
	return advance(window, now, orders);
}

static void
note_time(struct window_member *member, enum window_deed deed, gint64 from, gint64 to)
{
	switch (deed) {
	case DEED_FREEZE:
		member->frozen_at = from;
		break;
	case DEED_SUSPEND:
		/* The guest may have stopped as early as `from`: the pause is never told shorter.
		 */
		member->stopped_at = from;
		member->still_at = to;
		break;
	case DEED_BEGIN:
		member->begun_at = to;
		break;
	case DEED_RESUME:
		member->resumed_at = to;
		break;
	default:
		member->thawed_at = to;
		break;
	}
}

static void
reply_failed(struct window *window, struct window_member *member, enum window_deed deed,
	     const GError *error)
{
	if (deed == DEED_FREEZE) {
		member->freeze_failed = TRUE;
		cannot_freeze(window, member, error->message);
		return;
	}
	if (deed == DEED_THAW) {
		/* An agent that did not answer the freeze does not answer this either. The point
		 * has been told to be crash consistent; the member stays flagged, and the thaw is
		 * owed until the agent answers. */
		if (member->freeze_failed)
			return;
		/* It stays flagged; the job's undo tries again. The data is as consistent as the
		 * flag says. */
		lower(member, "its file systems could not be thawed in time");
	}
	if (!member->error)
		member->error = g_error_copy(error);
	set_failed(window, member->error, member->id);
}

static void
reply_done(struct window *window, struct window_member *member, enum window_deed deed, guint frozen)
{
	if (deed == DEED_FREEZE && !member->freeze_failed) {
		member->consistency = CONSISTENCY_APPLICATION;
	} else if (deed == DEED_RESUME) {
		member->paused = FALSE;
	} else if (deed == DEED_THAW) {
		member->frozen = FALSE;
		if (frozen == 0 && member->consistency == CONSISTENCY_APPLICATION) {
			member->freeze_failed = TRUE;
			cannot_freeze(window, member,
				      "its file systems thawed before the point was taken");
		}
	}
}

GArray *
window_reply(struct window *window, const struct window_order *done, const GError *error,
	     guint frozen, gint64 from, gint64 to)
{
	GArray *orders = g_array_new(FALSE, FALSE, sizeof(struct window_order));
	struct window_member *member = member_at(window, done->member);
	g_assert(member->pending[done->deed]);
	member->pending[done->deed] = FALSE;
	if (error) {
		reply_failed(window, member, done->deed, error);
	} else {
		note_time(member, done->deed, from, to);
		reply_done(window, member, done->deed, frozen);
	}
	/* One failure is enough: no guest waits for the others. */
	if (window->error && window->phase < WINDOW_RESUME)
		enter(window, table[window->phase].fail, to);
	return advance(window, to, orders);
}

GArray *
window_expire(struct window *window, gint64 now)
{
	GArray *orders = g_array_new(FALSE, FALSE, sizeof(struct window_order));
	if (window->phase == WINDOW_FREEZE) {
		window->deadline = 0;
		for (guint i = 0; i < window->members->len; i++) {
			struct window_member *member = member_at(window, i);
			if (!member->pending[DEED_FREEZE])
				continue;
			member->freeze_failed = TRUE;
			cannot_freeze(window, member, "its guest agent did not freeze in time");
		}
		enter(window, window->error ? WINDOW_THAW : WINDOW_PAUSE, now);
	} else if (window->phase == WINDOW_PAUSE || window->phase == WINDOW_BEGIN) {
		g_set_error(&window->own_error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "the machines would have stood still for more than %lld ms (max-pause)",
			    (long long)window->pause_limit / 1000);
		set_failed(window, window->own_error, NULL);
		enter(window, WINDOW_RESUME, now);
	}
	return advance(window, now, orders);
}
