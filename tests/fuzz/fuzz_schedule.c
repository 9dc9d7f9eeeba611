/* What a client writes into a schedule: ScheduledStartTime and UntilTime, and a calendar as JSON. A
 * calendar that is accepted has a text, comes back the same, and its due times go forward. */
#include "fuzz.h"

#include "base/json.h"
#include "base/timefmt.h"
#include "core/schedule.h"

#include <string.h>

#define NOW (1795824000ll * G_USEC_PER_SEC)

static void
check_time(const char *text)
{
	gint64 time, again;
	gboolean ok = schedule_time_parse(text, NOW, &time, NULL);
	g_assert(!ok || (time >= 0 && time <= CALENDAR_TIME_MAX));
	if (!cairn_time_from_cim(text, &time, NULL))
		return;
	g_autofree char *printed = cairn_time_cim(time);
	/* an offset may lead out of the years that can be printed */
	if (strlen(printed) == CAIRN_CIM_TIME_LEN && cairn_time_from_cim(printed, &again, NULL))
		g_assert(again == time);
}

static void
check_calendar(const char *text, gsize len)
{
	static GTimeZone *zone;
	struct calendar calendar, again;
	g_autoptr(json_t) json = cairn_json_parse(text, len, NULL);
	if (!json || !calendar_from_json(json, &calendar, NULL))
		return;
	if (!zone && !(zone = g_time_zone_new_identifier("Europe/Berlin")))
		zone = g_time_zone_new_utc();
	g_autofree char *shown = calendar_text(&calendar);
	g_assert(shown && *shown);
	g_autoptr(json_t) copy = calendar_to_json(&calendar);
	gboolean ok = calendar_from_json(copy, &again, NULL);
	g_assert(ok && memcmp(&calendar, &again, sizeof(again)) == 0);
	gint64 due = calendar_next(&calendar, zone, NOW);
	gint64 next = calendar_next(&calendar, zone, due);
	g_assert(due > NOW && next > due);
	g_assert(calendar_last(&calendar, zone, next - 1) == due);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	g_autofree char *text = g_strndup((const char *)data, len);
	check_time(text);
	check_calendar((const char *)data, len);
	return 0;
}

GPtrArray *
fuzz_seeds(void)
{
	static const char *const seeds[] = {
		"20261128020000.000000+060",
		"00000001020304.000000:000",
		"20261128******.******-300",
		"99999999999999.999999:000",
		"00000000000000.000000+000",
		"99991231235959.999999-999",
		"{\"months\":5,\"run-day\":-1,\"run-day-of-week\":-6,\"start-us\":7200000000}",
		"{\"weekdays\":62,\"every-us\":900000000,\"start-us\":0,\"utc\":true}",
		"{\"months\":2,\"run-day\":29,\"weekdays\":64}",
	};
	GPtrArray *array = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(seeds); i++)
		g_ptr_array_add(array, g_bytes_new(seeds[i], strlen(seeds[i])));
	return array;
}
