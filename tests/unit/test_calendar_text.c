/* Calendars: their limits, and how they read as text and JSON. */
#include "base/error.h"
#include "base/json.h"
#include "core/calendar.h"

#define HOUR	 (3600ll * G_USEC_PER_SEC)
#define MINUTE	 (60ll * G_USEC_PER_SEC)
#define AT(h, m) ((h)*HOUR + (m)*MINUTE)
#define MONTH(n) (1u << ((n)-1))
#define MON_FRI	 0x3e

/* ---- limits ---- */

static const struct {
	struct calendar calendar;
	const char *member; /* NULL: good */
} limits[] = {
	{{0}, NULL},
	{{.months = 0xfff, .run_day = 31, .run_day_of_week = -7, .weekdays = 0x7f}, NULL},
	{{.months = 0x1000}, "months"},
	{{.run_day = 32}, "run-day"},
	{{.run_day = -32}, "run-day"},
	{{.run_day = -31}, NULL},
	{{.run_day_of_week = 8}, "run-day-of-week"},
	{{.run_day_of_week = -8}, "run-day-of-week"},
	{{.weekdays = 0x80}, "weekdays"},
	{{.start_us = CALENDAR_DAY_US}, "start-us"},
	{{.start_us = -1}, "start-us"},
	{{.start_us = CALENDAR_DAY_US - 1}, NULL},
	{{.every_us = CALENDAR_EVERY_MIN - 1}, "every-us"},
	{{.every_us = -1}, "every-us"},
	{{.every_us = CALENDAR_EVERY_MIN}, NULL},
	{{.every_us = CALENDAR_DAY_US + 1}, "every-us"},
	{{.months = MONTH(2), .run_day = 30}, "no day"},
	{{.months = MONTH(2), .run_day = -30}, "no day"},
	{{.months = MONTH(4), .run_day = 31}, "no day"},
	{{.months = MONTH(2) | MONTH(4), .run_day = 30}, NULL},
	{{.run_day_of_week = 1, .weekdays = MON_FRI}, "no day"},
	/* each day of the week */
	{{.months = MONTH(2), .run_day = 29, .weekdays = 1 << 0}, NULL},
	{{.months = MONTH(2), .run_day = 29, .weekdays = 1 << 1}, NULL},
	{{.months = MONTH(2), .run_day = 29, .weekdays = 1 << 2}, NULL},
	{{.months = MONTH(2), .run_day = 29, .weekdays = 1 << 3}, NULL},
	{{.months = MONTH(2), .run_day = 29, .weekdays = 1 << 4}, NULL},
	{{.months = MONTH(2), .run_day = 29, .weekdays = 1 << 5}, NULL},
	{{.months = MONTH(2), .run_day = 29, .weekdays = 1 << 6}, NULL},
};

static void
test_limits(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
		g_autoptr(GError) error = NULL;
		struct calendar back;
		g_autoptr(json_t) json = calendar_to_json(&limits[i].calendar);
		if (calendar_check(&limits[i].calendar, &error) != !limits[i].member)
			g_error("case %u: %s", i, error ? error->message : "accepted");
		if (!limits[i].member) {
			g_assert_true(calendar_from_json(json, &back, NULL));
			g_assert_cmpmem(&back, sizeof(back), &limits[i].calendar, sizeof(back));
			continue;
		}
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
		g_assert_nonnull(strstr(error->message, limits[i].member));
		g_assert_false(calendar_from_json(json, &back, NULL));
	}
}

/* ---- text and JSON ---- */

static const struct {
	struct calendar calendar;
	const char *text;
} texts[] = {
	{{0}, "every day at 00:00"},
	{{.weekdays = MON_FRI, .start_us = AT(2, 0)}, "mon-fri at 02:00"},
	{{.weekdays = 0x7f, .utc = TRUE}, "every day at 00:00 UTC"},
	{{.weekdays = 0x41}, "sat,sun at 00:00"},
	{{.weekdays = 0x2a}, "mon,wed,fri at 00:00"},
	{{.weekdays = 0x77}, "mon,tue,thu-sun at 00:00"},
	{{.months = MONTH(3),
	  .run_day = 15,
	  .run_day_of_week = -6,
	  .start_us = AT(4, 30),
	  .utc = TRUE},
	 "the last Friday on or before day 15 of March at 04:30 UTC"},
	{{.run_day = 8, .run_day_of_week = 3},
	 "the first Tuesday on or after day 8 of every month "
	 "at 00:00"},
	{{.run_day = -1, .start_us = AT(23, 59) + 59 * G_USEC_PER_SEC},
	 "the last day of every month at 23:59:59"},
	{{.run_day = -3, .months = MONTH(1) | MONTH(4) | MONTH(12)},
	 "day 3 from the end of January, April and December at 00:00"},
	{{.run_day = 13, .weekdays = 1 << 5}, "day 13 of every month if it is fri at 00:00"},
	{{.run_day_of_week = 1, .months = MONTH(6) | MONTH(7)},
	 "every Sunday in June and July at 00:00"},
	{{.months = MONTH(8), .every_us = HOUR, .start_us = AT(0, 5)},
	 "every day in August every hour from 00:05"},
	{{.weekdays = 1 << 2, .every_us = 90 * MINUTE}, "tue every 90 minutes from 00:00"},
	{{.every_us = 6 * HOUR}, "every day every 6 hours from 00:00"},
	{{.every_us = 61 * G_USEC_PER_SEC}, "every day every 61 seconds from 00:00"},
};

static void
test_text(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *text = calendar_text(&texts[i].calendar);
		g_assert_cmpstr(text, ==, texts[i].text);
	}
}

static void
test_json(void)
{
	static const char *const bad[] = {
		"{\"months\":-1}",	  "{\"months\":\"1\"}", "{\"run-day\":1.5}",
		"{\"run-day\":\"last\"}", "{\"utc\":1}",	"{\"run-day\":9223372036854775807}",
		"{\"every-us\":1}",	  "{\"weekdays\":128}", "{\"run-day-of-week\":-4294967295}",
	};
	struct calendar back = {.months = 7};
	g_assert_true(calendar_from_json(NULL, &back, NULL));
	g_assert_cmpmem(&back, sizeof(back), &(struct calendar){0}, sizeof(back));
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(json_t) json = cairn_json_parse(bad[i], strlen(bad[i]), NULL);
		g_assert_false(calendar_from_json(json, &back, &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/calendar-text/limits", test_limits);
	g_test_add_func("/calendar-text/text", test_text);
	g_test_add_func("/calendar-text/json", test_json);
	return g_test_run();
}
