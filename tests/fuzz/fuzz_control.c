/* The control socket's codec on anything: the first byte says how the rest is cut into reads; each
 * line is taken as a request, checked against the table and echoed, and as a message of the server.
 */
#include "fuzz.h"

#include "base/error.h"
#include "control/codec.h"
#include "control/requests.h"

#include <string.h>

#define LINE_MAX_LEN 4096 /* bytes; small, so that the limit is met */

static void
take_request(const char *line, gsize len)
{
	g_autoptr(GError) error = NULL;
	struct control_request asked;
	gboolean ok = control_request_decode(line, len, &asked, &error);
	g_assert(ok == !error && (!ok || asked.name));
	const struct request *request = ok ? request_find(asked.name) : NULL;
	if (request)
		request_check(request, asked.arguments, &error);
	g_autofree char *answer =
		error ? control_encode_error(error, asked.id)
		      : control_encode_return(asked.arguments ? asked.arguments : json_null(),
					      asked.id);
	/* Exactly one line, whatever came in. */
	g_assert(strchr(answer, '\n') == answer + strlen(answer) - 1);
	enum control_message_type type;
	json_t *message = control_message_decode(answer, strlen(answer) - 1, &type, NULL);
	g_assert(message && type == (error ? CONTROL_FAILURE : CONTROL_RETURN));
	g_assert(json_equal(json_object_get(message, "id"), asked.id) ||
		 !json_object_get(message, "id"));
	json_decref(message);
	control_request_clear(&asked);
}

static void
take_message(const char *line, gsize len)
{
	g_autoptr(GError) error = NULL;
	enum control_message_type type;
	json_t *message = control_message_decode(line, len, &type, NULL);
	if (message && type == CONTROL_FAILURE)
		control_message_error(message, &error);
	json_decref(message);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	cairn_auto(control_lines) lines = control_lines_new(LINE_MAX_LEN);
	gsize step = len ? (gsize)data[0] + 1 : 1;
	for (gsize at = 1; at < len; at += step) {
		const char *line;
		gsize line_len;
		control_lines_add(lines, data + at, MIN(step, len - at));
		while (control_lines_next(lines, &line, &line_len, NULL) && line) {
			g_assert(line_len <= LINE_MAX_LEN);
			take_request(line, line_len);
			take_message(line, line_len);
		}
		g_assert(control_lines_waiting(lines) <= LINE_MAX_LEN);
	}
	return 0;
}

GPtrArray *
fuzz_seeds(void)
{
	static const char *const seeds[] = {
		"!{\"execute\":\"query-version\",\"id\":1}\n"
		"{\"execute\":\"group-create\",\"arguments\":{\"name\":\"web\",\"members\":[\"a\","
		"\"b\"]},\"id\":{\"x\":[true,null,1.5]}}\n"
		"{\"execute\":\"job-set\",\"arguments\":{\"job\":\"7\",\"rate\":1000000}}\n",
		"\1{\"execute\":\"export\",\"arguments\":{\"point\":\"web@3\",\"directory\":\"/b\","
		"\"disks\":[\"db:vda\"],\"keep-held\":false},\"id\":\"\\u00e4\\\"[{\"}\r\n\n",
		"\377{\"cairn\":{\"version\":\"0.1.0\",\"protocol\":1,\"read-only\":false}}\n"
		"{\"return\":{},\"id\":1}\n"
		"{\"error\":{\"class\":\"Busy\",\"desc\":\"web is busy\"},\"id\":2}\n"
		"{\"event\":\"JOB_CHANGED\",\"data\":{},\"timestamp\":{\"seconds\":1}}\n",
	};
	GPtrArray *array = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(seeds); i++)
		g_ptr_array_add(array, g_bytes_new(seeds[i], strlen(seeds[i])));
	/* Brackets without end, and a line over the limit. */
	g_autofree char *brackets = g_strnfill(LINE_MAX_LEN, '[');
	g_autofree char *deep = g_strconcat("z", brackets, "\n", NULL);
	g_autofree char *twice = g_strconcat("z", brackets, brackets, "\n", NULL);
	g_ptr_array_add(array, g_bytes_new(deep, strlen(deep)));
	g_ptr_array_add(array, g_bytes_new(twice, strlen(twice)));
	return array;
}
