/* Which exports are kept, and what becomes of each; see retention.h. */
#include "core/retention.h"

/* ---- which are kept ---- */

/* What tells two days (ISO weeks, months) apart, and how they are called. */
static const struct period {
	guint keeper;
	const char *name;
	const char *format; /* g_date_time_format() */
	gsize count;	    /* in struct retention */
} periods[] = {
	{RETENTION_DAILY, "daily", "%Y-%m-%d", G_STRUCT_OFFSET(struct retention, daily)},
	{RETENTION_WEEKLY, "weekly", "%G-W%V", G_STRUCT_OFFSET(struct retention, weekly)},
	{RETENTION_MONTHLY, "monthly", "%Y-%m", G_STRUCT_OFFSET(struct retention, monthly)},
};

static guint64
count_of(const struct retention *retention, const struct period *period)
{
	return G_STRUCT_MEMBER(guint64, retention, period->count);
}

/* The name of the period that @time lies in; a time that no calendar has reads as one of its own.
 */
static char *
period_of(const struct period *period, GTimeZone *zone, gint64 time)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time / G_USEC_PER_SEC);
	g_autoptr(GDateTime) local = utc ? g_date_time_to_timezone(utc, zone) : NULL;
	return local ? g_date_time_format(local, period->format)
		     : g_strdup_printf("%" G_GINT64_FORMAT, time);
}

/* From the newest: the first export of a period that was not met yet is its newest. */
static void
pick_period(const struct period *period, guint64 count, GTimeZone *zone, const gint64 *times,
	    guint n, struct retention_mark *ret)
{
	g_autoptr(GHashTable) met = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = n; i-- > 0 && g_hash_table_size(met) < count;)
		if (g_hash_table_add(met, period_of(period, zone, times[i])))
			ret[i].keepers |= period->keeper;
}

void
retention_pick(const struct retention *retention, GTimeZone *zone, const gint64 *times, guint n,
	       struct retention_mark *ret)
{
	gboolean everything = !retention_is_set(retention);
	for (guint i = 0; i < n; i++) {
		guint place = n - i;
		ret[i] = (struct retention_mark){.place = place};
		ret[i].keepers |= place == 1 ? RETENTION_NEWEST : 0;
		ret[i].keepers |= place <= retention->last ? RETENTION_LAST : 0;
		ret[i].keepers |= everything ? RETENTION_EVERYTHING : 0;
	}
	for (guint k = 0; k < G_N_ELEMENTS(periods); k++)
		pick_period(&periods[k], count_of(retention, &periods[k]), zone, times, n, ret);
}

char *
retention_reason(const struct retention *retention, GTimeZone *zone, gint64 time,
		 const struct retention_mark *mark)
{
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
	if (mark->keepers & RETENTION_EVERYTHING)
		g_ptr_array_add(parts, g_strdup("no rule is set"));
	if (mark->keepers & RETENTION_LAST)
		g_ptr_array_add(parts, g_strdup_printf("last %u of %" G_GUINT64_FORMAT, mark->place,
						       retention->last));
	for (guint k = 0; k < G_N_ELEMENTS(periods); k++) {
		if (!(mark->keepers & periods[k].keeper))
			continue;
		g_autofree char *period = period_of(&periods[k], zone, time);
		g_ptr_array_add(parts, g_strdup_printf("%s %s", periods[k].name, period));
	}
	if (parts->len == 0 && mark->keepers & RETENTION_NEWEST)
		g_ptr_array_add(parts, g_strdup("newest"));
	if (parts->len == 0)
		return NULL;
	g_ptr_array_add(parts, NULL);
	return g_strjoinv(", ", (char **)parts->pdata);
}

/* ---- what becomes of each ---- */

/* The number of exports below @at; FALSE: one is missing, or they form a ring, or are too many. */
static gboolean
find_depth(const guint *bases, guint at, guint *ret_depth)
{
	guint depth = 0;
	for (; bases[at] != RETENTION_NO_BASE; at = bases[at], depth++)
		if (bases[at] == RETENTION_MISSING_BASE || depth >= RETENTION_DEPTH_MAX)
			return FALSE;
	*ret_depth = depth;
	return TRUE;
}

void
retention_usable(const guint *bases, guint n, gboolean *ret)
{
	guint depth;
	for (guint i = 0; i < n; i++)
		ret[i] = find_depth(bases, i, &depth);
}

/* Indexes of the exports that can be used, the deepest first: whoever is based on an export comes
 * before it. */
static GArray *
deepest_first(const struct retention_step *steps, guint n)
{
	g_autofree guint *first = g_new0(guint, n + 1); /* depth -> where its exports begin */
	GArray *order = g_array_new(FALSE, FALSE, sizeof(guint));
	for (guint i = 0; i < n; i++)
		if (steps[i].action != RETENTION_LEAVE)
			first[n - 1 - steps[i].depth + 1]++;
	for (guint d = 0; d < n; d++)
		first[d + 1] += first[d];
	g_array_set_size(order, first[n]);
	for (guint i = 0; i < n; i++)
		if (steps[i].action != RETENTION_LEAVE)
			g_array_index(order, guint, first[n - 1 - steps[i].depth]++) = i;
	return order;
}

/* An export that nobody keeps stays if two that stay are based on it, directly or over others that
 * go; one takes it over. @heirs[i]: whom its contents go to, so far. */
static void
settle(const guint *bases, const gboolean *kept, const GArray *order, struct retention_step *steps)
{
	guint n = order->len;
	for (guint k = 0; k < n; k++) {
		guint i = g_array_index(order, guint, k);
		struct retention_step *step = &steps[i];
		guint users = step->needed_by;
		gboolean stays = kept[i] || users > 1;
		guint heir = stays ? i : users ? step->user : RETENTION_NO_BASE;
		step->action = stays ? RETENTION_KEEP : RETENTION_DELETE;
		step->needed_by = stays && !kept[i] ? users : 0;
		step->user = stays ? RETENTION_NO_BASE : heir;
		if (heir == RETENTION_NO_BASE || bases[i] == RETENTION_NO_BASE)
			continue;
		steps[bases[i]].needed_by++;
		steps[bases[i]].user = heir;
	}
}

/* What an export that stays is based on when the others are gone. */
static void
find_base(const guint *bases, struct retention_step *steps, guint i)
{
	guint base = bases[i];
	while (base != RETENTION_NO_BASE && steps[base].action == RETENTION_DELETE)
		base = bases[base];
	steps[i].base = base;
	if (steps[i].action == RETENTION_KEEP && base != bases[i])
		steps[i].action = RETENTION_MERGE;
}

void
retention_decide(const guint *bases, const gboolean *kept, guint n, struct retention_step *ret)
{
	for (guint i = 0; i < n; i++) {
		ret[i] = (struct retention_step){
			.action = RETENTION_DELETE, .base = bases[i], .user = RETENTION_NO_BASE};
		if (!find_depth(bases, i, &ret[i].depth))
			ret[i].action = RETENTION_LEAVE;
	}
	g_autoptr(GArray) order = deepest_first(ret, n);
	settle(bases, kept, order, ret);
	for (guint i = 0; i < n; i++)
		if (ret[i].action == RETENTION_KEEP)
			find_base(bases, ret, i);
}
