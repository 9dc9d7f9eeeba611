/* Handlers that look at jobs of the past too: the ended ones that are still in memory and those
 * that only the history has, as one list. */
#include "cairnd/handlers.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cairnd/engine_schedules.h"

#include <string.h>

#define HISTORY_LIMIT_DEFAULT 100
#define HISTORY_LIMIT_MAX     1000 /* jobs in one answer */
/* Rows that one request reads: others wait meanwhile. Who asked goes on with `next`. */
#define HISTORY_SCAN_MAX 1000
#define HISTORY_PAGE	 100
#define HISTORY_NEAR	 8 /* rows among which a search expects one that is not damaged */
/* Numbers follow the time at which jobs were asked for, unless the clock was set back: by no more
 * than this it does no harm. */
#define HISTORY_CLOCK_SLACK ((gint64)3600 * G_USEC_PER_SEC)

/* ---- one ---- */

/* A live job or a copy of one of the history, which is the caller's in *@ret_owned. */
static const struct job *
find_job(struct daemon *daemon, struct control_call *call, struct job **ret_owned)
{
	GError *error = NULL, *old_error = NULL;
	const char *name = arg_string(call, "job");
	const struct job *job = engine_job(daemon->engine, name, &error);
	if (job)
		return job;
	job = *ret_owned = engine_history_job(daemon->engine, name, &old_error);
	if (!job && !g_error_matches(old_error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND))
		call_fail(call, g_steal_pointer(&old_error)); /* it is damaged */
	else if (!job)
		call_fail(call, g_steal_pointer(&error));
	g_clear_error(&error);
	g_clear_error(&old_error);
	return job;
}

void
handle_job_show(struct daemon *daemon, struct control_call *call)
{
	cairn_auto(job) owned = NULL;
	const struct job *job = find_job(daemon, call, &owned);
	if (!job)
		return;
	json_t *json = job_whole_view(daemon, job);
	if (owned)
		cairn_json_set_bool(json, "history", TRUE);
	control_call_return(call, json);
}

void
handle_job_errors(struct daemon *daemon, struct control_call *call)
{
	cairn_auto(job) owned = NULL;
	const struct job *job = find_job(daemon, call, &owned);
	if (job)
		control_call_return(call, job_errors_view(job));
}

void
handle_job_remove(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct job *job = engine_job(daemon->engine, arg_string(call, "job"), &error);
	if (job && engine_job_remove(daemon->engine, job, &error))
		control_call_return(call, json_object());
	else
		call_fail(call, error);
}

/* ---- many ---- */

static const struct {
	const char *word;
	enum job_state states[2];
} ends[] = {
	{"completed", {JOB_COMPLETED, JOB_COMPLETED_WARNINGS}},
	{"warnings", {JOB_COMPLETED_WARNINGS, JOB_COMPLETED_WARNINGS}},
	{"failed", {JOB_EXCEPTION, JOB_EXCEPTION}},
	{"terminated", {JOB_TERMINATED, JOB_TERMINATED}},
	{"killed", {JOB_KILLED, JOB_KILLED}},
};

struct filter {
	const char *group;	      /* GUID or name, of a group that may be gone; NULL: all */
	const char *schedule;	      /* GUID; NULL: all */
	gint64 since, until;	      /* when it was asked for */
	const enum job_state *states; /* two of them; NULL: all */
	guint64 before, limit;
};

static gboolean
get_time(const struct control_call *call, const char *name, gint64 fallback, gint64 *ret,
	 GError **error)
{
	const char *text = arg_string(call, name);
	*ret = fallback;
	if (!text || cairn_time_from_iso(text, ret, error))
		return TRUE;
	g_prefix_error(error, "argument \"%s\": ", name);
	return FALSE;
}

static gboolean
get_states(const struct control_call *call, struct filter *filter, GError **error)
{
	const char *word = arg_string(call, "state");
	for (guint i = 0; word && i < G_N_ELEMENTS(ends); i++)
		if (strcmp(word, ends[i].word) == 0)
			filter->states = ends[i].states;
	return !word || filter->states ||
	       cairn_fail(error, CAIRN_ERROR_INVALID,
			  "argument \"state\" is one of: completed, warnings, failed, terminated, "
			  "killed");
}

static gboolean
get_filter(const struct daemon *daemon, const struct control_call *call, struct filter *filter,
	   GError **error)
{
	const char *name = arg_string(call, "group");
	const struct group *group = name ? engine_group(daemon->engine, name, NULL) : NULL;
	filter->group = group ? group->id : name;
	filter->schedule = arg_string(call, "schedule");
	const struct schedule *schedule =
		filter->schedule ? engine_schedule_find(daemon->engine, filter->schedule, NULL)
				 : NULL;
	if (schedule)
		filter->schedule = schedule->id;
	filter->before = arg_uint(call, "before", 0);
	filter->limit = arg_uint(call, "limit", HISTORY_LIMIT_DEFAULT);
	if (filter->limit < 1 || filter->limit > HISTORY_LIMIT_MAX)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "argument \"limit\" is from 1 to %d",
				  HISTORY_LIMIT_MAX);
	return get_time(call, "since", 0, &filter->since, error) &&
	       get_time(call, "until", G_MAXINT64, &filter->until, error) &&
	       get_states(call, filter, error);
}

static gboolean
same_text(const char *a, const char *b)
{
	return a && g_ascii_strcasecmp(a, b) == 0;
}

static gboolean
is_wanted(const struct filter *filter, const struct job *job)
{
	if (filter->group && !same_text(job->group, filter->group) &&
	    g_strcmp0(job->group_name, filter->group) != 0)
		return FALSE;
	if (filter->schedule && !same_text(job->schedule, filter->schedule))
		return FALSE;
	if (filter->states && job->state != filter->states[0] && job->state != filter->states[1])
		return FALSE;
	return job->submitted >= filter->since && job->submitted <= filter->until;
}

/* A walk from the newest ended job to the oldest, in memory and in the history. */
struct walk {
	const struct engine *engine;
	guint live;	 /* of the jobs in memory those before this index are to come */
	GPtrArray *page; /* of the history; NULL: to be read */
	guint at;	 /* the next of the page */
	guint64 before;	 /* where the next page begins */
	guint damaged;	 /* rows that could not be read */
};

/* Where it is: at a job, at a row of the history that is damaged, or at the end. */
struct place {
	guint64 number; /* 0: the end */
	const struct job *job;
	gboolean old;
};

static const struct job *
next_live(struct walk *walk)
{
	while (walk->live > 0) {
		const struct job *job = engine_job_at(walk->engine, walk->live - 1);
		if (job->phase == PHASE_ENDED)
			return job;
		walk->live--;
	}
	return NULL;
}

/* FALSE: the store cannot be read. *@ret NULL: there is none any more. */
static gboolean
next_old(struct walk *walk, const struct history_row **ret, GError **error)
{
	if (!walk->page || (walk->at == HISTORY_PAGE)) {
		g_clear_pointer(&walk->page, g_ptr_array_unref);
		walk->page = engine_history(walk->engine, walk->before, HISTORY_PAGE, error);
		walk->at = 0;
		if (!walk->page)
			return FALSE;
	}
	*ret = walk->at < walk->page->len ? walk->page->pdata[walk->at] : NULL;
	return TRUE;
}

/* *@ret is valid until the next call. */
static gboolean
next_place(struct walk *walk, struct place *ret, GError **error)
{
	const struct job *live = next_live(walk);
	const struct history_row *row;
	if (!next_old(walk, &row, error))
		return FALSE;
	if (row && (!live || row->number > live->number)) {
		*ret = (struct place){row->number, row->job, TRUE};
		walk->before = row->number;
		walk->damaged += row->job == NULL;
		walk->at++;
	} else {
		*ret = (struct place){live ? live->number : 0, live, FALSE};
		walk->live -= live != NULL;
	}
	return TRUE;
}

/* The newest one in the history whose number is at most @number, or near it if that is damaged. */
static gboolean
look_at(const struct engine *engine, guint64 number, guint64 *ret_number, gint64 *ret_submitted)
{
	g_autoptr(GPtrArray) rows = engine_history(engine, number + 1, HISTORY_NEAR, NULL);
	for (guint i = 0; rows && i < rows->len; i++) {
		const struct history_row *row = rows->pdata[i];
		if (!row->job)
			continue;
		*ret_number = row->number;
		*ret_submitted = row->job->submitted;
		return TRUE;
	}
	return FALSE;
}

/* The number from which on all in the history were asked for after @time, found by halving: the
 * years after it are not read. */
static guint64
find_before(const struct engine *engine, guint64 before, gint64 time)
{
	guint64 low = 0, high = before - 1;
	while (low < high) {
		guint64 middle = low + (high - low + 1) / 2, number;
		gint64 submitted;
		if (look_at(engine, middle, &number, &submitted) && submitted > time)
			high = number - 1;
		else
			low = middle;
	}
	return high + 1;
}

static void
start_walk(struct walk *walk, const struct engine *engine, const struct filter *filter)
{
	guint64 before = filter->before ? filter->before : G_MAXINT64;
	walk->engine = engine;
	walk->live = engine_job_after(engine, before - 1);
	walk->before = before;
	if (filter->until < G_MAXINT64 - HISTORY_CLOCK_SLACK)
		walk->before = MIN(
			before, find_before(engine, before, filter->until + HISTORY_CLOCK_SLACK));
}

static json_t *
ended_view(const struct engine *engine, const struct job *job, gboolean old)
{
	json_t *json = engine_job_view(engine, job);
	cairn_json_set_bool(json, "history", old);
	return json;
}

/* *@ret_next: the number before which to go on; 0: that was all. */
static gboolean
collect(struct walk *walk, const struct filter *filter, json_t *jobs, guint64 *ret_next,
	GError **error)
{
	struct place place;
	*ret_next = 0;
	for (guint seen = 0; next_place(walk, &place, error); seen++) {
		const struct job *job = place.job;
		if (place.number == 0 ||
		    (job && job->submitted < filter->since - HISTORY_CLOCK_SLACK)) {
			*ret_next = 0;
			return TRUE;
		}
		if (seen >= HISTORY_SCAN_MAX || json_array_size(jobs) >= filter->limit)
			return TRUE;
		*ret_next = place.number;
		if (job && is_wanted(filter, job))
			json_array_append_new(jobs, ended_view(walk->engine, job, place.old));
	}
	return FALSE;
}

void
handle_job_history(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct filter filter = {0};
	struct walk walk = {0};
	guint64 next;
	g_autoptr(json_t) jobs = json_array();
	if (!get_filter(daemon, call, &filter, &error)) {
		call_fail(call, error);
		return;
	}
	start_walk(&walk, daemon->engine, &filter);
	if (collect(&walk, &filter, jobs, &next, &error)) {
		json_t *json = json_object();
		cairn_json_set(json, "jobs", g_steal_pointer(&jobs));
		cairn_json_set(json, "next", next ? json_integer((json_int_t)next) : json_null());
		if (walk.damaged > 0)
			cairn_json_set_uint(json, "damaged", walk.damaged);
		control_call_return(call, json);
	} else {
		call_fail(call, error);
	}
	g_clear_pointer(&walk.page, g_ptr_array_unref);
}
