/* Pages of enumerations within their limits, and events. */
#include "answer.h"

#include <string.h>

/* ---- pages ---- */

static struct cim_list *
make_jobs(guint count)
{
	GPtrArray *jobs = g_ptr_array_new_with_free_func((GDestroyNotify)cim_instance_unref);
	for (guint i = 0; i < count; i++) {
		g_autofree char *id = g_strdup_printf("J%u", i);
		g_ptr_array_add(jobs, answer_job(id));
	}
	return cim_list_of(jobs);
}

static const struct {
	const char *name, *enumerate, *request;
	guint items;
	gboolean end;
} pages[] = {
	{"enumerate_end", "enumerate_mi", NULL, 2, TRUE},
	{"enumerate_more", "enumerate_none", NULL, 2, FALSE},
	{"enumerate_empty", "enumerate_mi", NULL, 0, TRUE},
	{"enumerate_plain", "enumerate_plain", NULL, 2, FALSE},
	{"enumerate_epr", "enumerate_epr", NULL, 2, TRUE},
	{"enumerate_query", "enumerate_wql", NULL, 2, TRUE},
	{"enumerate_associated", "enumerate_associated", NULL, 1, TRUE},
	{"pull_end", "enumerate_plain", "pull", 2, TRUE},
	{"pull_more", "enumerate_plain", "pull_default", 2, FALSE},
	{"pull_empty", "enumerate_mi", "pull", 0, TRUE},
};

static void
test_pages(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(pages); i++) {
		struct wsman_request enumerate, pull = {0};
		g_autoptr(GError) error = NULL;
		g_autoptr(GString) out = g_string_new(NULL);
		cairn_auto(cim_list) list = make_jobs(pages[i].items);
		gboolean end = !pages[i].end;
		answer_request(pages[i].enumerate, &enumerate);
		if (pages[i].request)
			answer_request(pages[i].request, &pull);
		wsman_write_page(out, answer_schema, &enumerate,
				 pages[i].request ? &pull : &enumerate, list, "CTX", &end, &error);
		g_assert_no_error(error);
		g_assert_true(end == pages[i].end);
		answer_compare(pages[i].name, out->str);
		wsman_request_clear(&enumerate);
		wsman_request_clear(&pull);
	}
}

/* What a base class does not have is not shown, nor is the class's own name. */
static void
test_exclude(void)
{
	struct wsman_request request;
	gboolean end;
	g_autoptr(GString) out = g_string_new(NULL);
	cairn_auto(cim_list) list = make_jobs(1);
	answer_request("enumerate_epr", &request);
	request.mode = WSMAN_OBJECTS;
	g_free(request.op.class_name);
	request.op.class_name = g_strdup("CIM_Job");
	g_assert_true(
		wsman_write_page(out, answer_schema, &request, &request, list, "C", &end, NULL));
	g_assert_nonnull(strstr(out->str, "<p:CIM_Job>"));
	g_assert_nonnull(strstr(out->str, "<p:DeleteOnCompletion>"));
	g_assert_null(strstr(out->str, "JobState"));
	wsman_request_clear(&request);
}

static guint
count_text(const char *text, const char *part)
{
	guint count = 0;
	while ((text = strstr(text, part))) {
		text += strlen(part);
		count++;
	}
	return count;
}

/* Pages as large as the client takes and no larger; all items come, in order, none twice. */
static void
test_limits(void)
{
	struct wsman_request enumerate, pull;
	cairn_auto(cim_list) list = make_jobs(200);
	guint items = 0, turns = 0;
	gboolean end = FALSE;
	answer_request("enumerate_mi", &enumerate);
	answer_request("pull", &pull);
	pull.max_envelope = 16384;
	for (; !end; turns++) {
		g_autoptr(GString) out = g_string_new(NULL);
		g_assert_true(wsman_write_page(out, answer_schema, &enumerate, &pull, list, "CTX",
					       &end, NULL));
		g_assert_cmpuint(out->len, <=, 16384);
		if (!end)
			g_assert_cmpuint(out->len, >, 10000);
		items += count_text(out->str, "<p:Msvm_ConcreteJob>");
	}
	g_assert_cmpuint(items, ==, 200);
	g_assert_cmpuint(turns, >, 10);
	wsman_request_clear(&enumerate);
	wsman_request_clear(&pull);
}

/* An item that never fits stops the client, or is left out when it says so. */
static void
test_oversized(void)
{
	struct wsman_request request;
	gboolean end = FALSE;
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	GPtrArray *jobs = g_ptr_array_new_with_free_func((GDestroyNotify)cim_instance_unref);
	g_autofree char *text = g_strnfill(2 * WSMAN_ENVELOPE_MIN, 'x');
	g_ptr_array_add(jobs, answer_job("large"));
	g_ptr_array_add(jobs, answer_job("small"));
	cim_instance_set(jobs->pdata[0], "Caption", cim_string(text));
	cairn_auto(cim_list) list = cim_list_of(jobs);
	answer_request("enumerate_mi", &request);
	request.max_envelope = 2 * WSMAN_ENVELOPE_MIN;
	g_assert_false(
		wsman_write_page(out, answer_schema, &request, &request, list, "C", &end, &error));
	g_assert_error(error, WSMAN_FAULT, WSMAN_FAULT_ENCODING_LIMIT);
	g_assert_cmpuint(out->len, ==, 0);
	request.skip_oversized = TRUE;
	g_assert_true(
		wsman_write_page(out, answer_schema, &request, &request, list, "C", &end, NULL));
	g_assert_true(end);
	g_assert_nonnull(strstr(out->str, ">small<"));
	g_assert_null(strstr(out->str, ">large<"));
	wsman_request_clear(&request);
}

static void
test_class_pages(void)
{
	struct wsman_request enumerate, pull;
	g_autofree const struct cim_class **classes =
		g_new0(const struct cim_class *, cim_schema_count(answer_schema) + 1);
	guint position = 0, shown = 0;
	gboolean end = FALSE;
	for (guint i = 0; i < cim_schema_count(answer_schema); i++)
		classes[i] = cim_schema_at(answer_schema, i);
	answer_request("enumerate_classes", &enumerate);
	answer_request("pull", &pull);
	const struct wsman_request *request = &enumerate;
	for (; !end; request = &pull) {
		g_autoptr(GString) out = g_string_new(NULL);
		g_assert_true(wsman_write_class_page(out, &enumerate, request, classes, &position,
						     "CTX", &end, NULL));
		g_assert_cmpuint(out->len, <=, request->max_envelope);
		answer_check(out->str);
		shown += count_text(out->str, "<CLASS ");
	}
	g_assert_cmpuint(shown, ==, cim_schema_count(answer_schema));
	wsman_request_clear(&enumerate);
	wsman_request_clear(&pull);
}

/* ---- events ---- */

static GPtrArray *
make_events(guint count)
{
	GPtrArray *events = g_ptr_array_new_with_free_func((GDestroyNotify)cim_instance_unref);
	for (guint i = 0; i < count; i++) {
		struct cim_instance *event = answer_instance("CIM_InstModification");
		cim_instance_set(event, "SourceInstance", cim_embedded_take(answer_job("J1")));
		g_ptr_array_add(events, event);
	}
	return events;
}

static void
test_events(void)
{
	static const char *const names[] = {"subscribe_push", "subscribe_ack", "subscribe_events"};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		struct wsman_request request;
		g_autoptr(GString) event = g_string_new(NULL), heartbeat = g_string_new(NULL);
		g_autoptr(GPtrArray) events = make_events(i == 2 ? 2 : 1);
		g_autofree char *name = g_strdup_printf("heartbeat_%s", names[i] + 10);
		g_autofree char *event_name = g_strdup_printf("event_%s", names[i] + 10);
		answer_request(names[i], &request);
		wsman_write_event(event, answer_schema, &request, events, "uuid:1");
		wsman_write_heartbeat(heartbeat, &request, "uuid:2");
		/* the listener's own parameters come back as they were, without our prefixes */
		g_assert_nonnull(strstr(event->str, ">7&amp;</"));
		g_clear_pointer(&request.subscribe.notify_parameters, g_free);
		g_string_truncate(event, 0);
		wsman_write_event(event, answer_schema, &request, events, "uuid:1");
		answer_compare(event_name, event->str);
		g_string_truncate(heartbeat, 0);
		wsman_write_heartbeat(heartbeat, &request, "uuid:2");
		answer_compare(name, heartbeat->str);
		wsman_request_clear(&request);
	}
}

static void
test_eventing_answers(void)
{
	static const struct {
		const char *request, *context;
	} cases[] = {{"subscribe_pull", "CTX"},
		     {"subscribe_events", NULL},
		     {"renew", NULL},
		     {"get_status", NULL}};
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct wsman_request request;
		g_autoptr(GString) out = g_string_new(NULL);
		answer_request(cases[i].request, &request);
		wsman_write_subscribed(out, &request, "http://h:5985/wsman", "S-1",
				       90 * G_USEC_PER_SEC + 1500, cases[i].context);
		answer_compare(cases[i].request, out->str);
		wsman_request_clear(&request);
	}
}

static void
test_pulled_event(void)
{
	struct wsman_request subscribe, pull;
	gboolean end;
	g_autoptr(GString) out = g_string_new(NULL);
	cairn_auto(cim_list) list = cim_list_of(make_events(1));
	answer_request("subscribe_pull", &subscribe);
	answer_request("pull", &pull);
	g_assert_true(
		wsman_write_page(out, answer_schema, &subscribe, &pull, list, "CTX", &end, NULL));
	answer_compare("pull_event", out->str);
	wsman_request_clear(&subscribe);
	wsman_request_clear(&pull);
}

static void
test_empty(void)
{
	struct wsman_request request;
	g_autoptr(GString) out = g_string_new(NULL);
	answer_request("release", &request);
	wsman_write_empty(out, &request);
	answer_compare("release", out->str);
	wsman_request_clear(&request);
}

int
main(int argc, char **argv)
{
	static const struct answer_test tests[] = {
		{"pages", test_pages},
		{"exclude", test_exclude},
		{"limits", test_limits},
		{"oversized", test_oversized},
		{"class-pages", test_class_pages},
		{"events", test_events},
		{"eventing-answers", test_eventing_answers},
		{"pulled-event", test_pulled_event},
		{"empty", test_empty},
		{NULL, NULL},
	};
	return answer_main(argc, argv, "page", tests);
}
