/* Instances as text, in all the forms that clients send: golden files. */
#include "base/error.h"
#include "cim/status.h"
#include "golden.h"
#include "wire/embedded.h"

#include <string.h>

static struct cim_schema *schema;

static void
put_parsed(GString *out, const char *text)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(cim_instance) instance =
		embedded_parse(schema, CIM_NS_VIRTUALIZATION, text, &error);
	g_assert_true((instance != NULL) == (error == NULL));
	if (instance) {
		golden_put_instance(out, instance);
	} else {
		g_assert_true(error->domain == CIM_ERROR);
		g_string_append_printf(out, "%s: %s", cim_status_name(cim_status_of(error)),
				       error->message);
	}
	g_string_append_c(out, '\n');
}

static void
test_golden(void)
{
	g_autoptr(GPtrArray) names = golden_names("embedded", ".in");
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *in = g_strdup_printf("embedded/%s.in", (char *)names->pdata[i]);
		g_autofree char *txt = g_strdup_printf("embedded/%s.txt", (char *)names->pdata[i]);
		g_autofree char *text = golden_read(in, NULL);
		g_autoptr(GString) out = g_string_new(NULL);
		put_parsed(out, text);
		golden_compare(txt, out->str);
	}
}

static void
test_truncated(void)
{
	g_autoptr(GPtrArray) names = golden_names("embedded", ".in");
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *in = g_strdup_printf("embedded/%s.in", (char *)names->pdata[i]);
		g_autofree char *text = golden_read(in, NULL);
		for (gsize len = strlen(text); len > 0; len--) {
			g_autofree char *cut = g_strndup(text, len - 1);
			g_autoptr(GString) out = g_string_new(NULL);
			put_parsed(out, cut);
		}
	}
}

/* What a machine's disks are named by sits two levels deep. */
static void
test_nested(void)
{
	g_autofree char *text = golden_read("embedded/cim_dtd.in", NULL);
	cairn_auto(cim_instance) outer = embedded_parse(schema, CIM_NS_VIRTUALIZATION, text, NULL);
	const struct cim_value *list = cim_instance_get(outer, "VirtualMachinesToDisksToExport");
	g_assert_cmpuint(list->count, ==, 2);
	for (guint i = 0; i < list->count; i++) {
		cairn_auto(cim_instance) inner = embedded_parse(schema, CIM_NS_VIRTUALIZATION,
								list->u.items[i].u.string, NULL);
		g_assert_cmpstr(cim_instance_string(inner, "VirtualMachineId"), ==, "m1");
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	g_test_add_func("/embedded/golden", test_golden);
	g_test_add_func("/embedded/truncated", test_truncated);
	g_test_add_func("/embedded/nested", test_nested);
	int status = g_test_run();
	cim_schema_free(schema);
	return status;
}
