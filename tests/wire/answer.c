/* Shared parts of the tests of WS-Management's answers. */
#include "answer.h"

#include "wire/xml.h"

#include <string.h>

struct cim_schema *answer_schema;

struct cim_path *
answer_path(const char *namespace, const char *id)
{
	struct cim_path *path = cim_path_new(namespace, "Msvm_ConcreteJob");
	cim_path_add_string(path, "InstanceID", id);
	return path;
}

struct cim_instance *
answer_instance(const char *class_name)
{
	const struct cim_class *class =
		cim_schema_class(answer_schema, CIM_NS_VIRTUALIZATION, class_name);
	g_assert_nonnull(class);
	return cim_instance_new(class);
}

struct cim_instance *
answer_job(const char *id)
{
	struct cim_instance *job = answer_instance("Msvm_ConcreteJob");
	struct cim_value status = cim_array(CIM_UINT16, 2);
	status.u.items[0] = cim_uint(CIM_UINT16, 2);
	status.u.items[1] = cim_uint(CIM_UINT16, 10);
	cim_instance_set(job, "InstanceID", cim_string(id));
	cim_instance_set(job, "Name", cim_string("a <b> & \"c\" \x01 d"));
	cim_instance_set(job, "OperationalStatus", status);
	cim_instance_set(job, "JobState", cim_uint(CIM_UINT16, 4));
	cim_instance_set(job, "StartTime", cim_datetime("20251217095522.702341+060"));
	cim_instance_set(job, "ElapsedTime", cim_datetime("00000001020304.000000:000"));
	cim_instance_set(job, "TimeSubmitted", cim_datetime("20251217******.******+000"));
	cim_instance_set(job, "DeleteOnCompletion", cim_boolean(FALSE));
	return job;
}

void
answer_request(const char *name, struct wsman_request *ret_request)
{
	g_autofree char *file = g_strdup_printf("wsman/%s.xml", name);
	g_autoptr(GError) error = NULL;
	gsize len;
	g_autofree char *data = golden_read(file, &len);
	*ret_request = (struct wsman_request){0};
	wsman_read(answer_schema, CIM_NS_VIRTUALIZATION, data, len, ret_request, &error);
	g_assert_no_error(error);
}

/* wsl reads text: a prefix on every element, no declaration, no default namespace. */
void
answer_check(const char *text)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(xml_document) document = xml_parse(text, strlen(text), &error);
	g_assert_no_error(error);
	g_assert_nonnull(document);
	g_assert_true(g_str_has_prefix(text, "<s:Envelope "));
	g_assert_nonnull(strstr(text, "soap-envelope"));
	g_assert_null(strstr(text, " xmlns=\""));
	for (const char *c = text; !strstr(text, "<CLASS ") && (c = strchr(c, '<')); c++) {
		const gsize len = strcspn(c + 1, ":> /");
		g_assert_true(c[1] == '/' || c[1 + len] == ':');
	}
}

/* Fresh ids become one that stays; elements stand on lines of their own. */
void
answer_compare(const char *name, const char *text)
{
	g_autofree char *file = g_strdup_printf("wsman_answers/%s.xml", name);
	g_autoptr(GRegex) id = g_regex_new("<wsa:MessageID>uuid:[0-9A-F-]{36}<", 0, 0, NULL);
	g_autoptr(GRegex) tag = g_regex_new(">(?=<[^/])", 0, 0, NULL);
	g_autofree char *fixed =
		g_regex_replace(id, text, -1, 0, "<wsa:MessageID>uuid:FRESH<", 0, NULL);
	g_autofree char *lines = g_regex_replace(tag, fixed, -1, 0, ">\n", 0, NULL);
	g_autofree char *ended = g_strconcat(lines, "\n", NULL);
	answer_check(text);
	golden_compare(file, ended);
}

int
answer_main(int argc, char **argv, const char *group, const struct answer_test *tests)
{
	g_test_init(&argc, &argv, NULL);
	answer_schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	for (; tests->name; tests++) {
		g_autofree char *path = g_strdup_printf("/wsman/%s/%s", group, tests->name);
		g_test_add_func(path, tests->run);
	}
	const int status = g_test_run();
	cim_schema_free(answer_schema);
	return status;
}
