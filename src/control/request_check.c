/* What the table of requests says of a call, and names of its words. */
#include "control/requests.h"

#include "base/error.h"

const char *
request_role_name(enum request_role role)
{
	static const char *const names[] = {NULL, "observer", "operator", "administrator"};
	return names[role];
}

const struct request *
request_find(const char *name)
{
	for (const struct request *request = requests; request->name; request++)
		if (g_strcmp0(request->name, name) == 0)
			return request;
	return NULL;
}

static gboolean
is_strings(const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!json_is_string(json_array_get(value, i)))
			return FALSE;
	return json_is_array(value);
}

static gboolean
check_type(const struct request_arg *arg, const json_t *value, GError **error)
{
	static const char *const words[] = {
		[ARG_STRING] = "a string",    [ARG_UINT] = "a whole number that is not negative",
		[ARG_BOOL] = "true or false", [ARG_STRINGS] = "an array of strings",
		[ARG_INT] = "a whole number",
	};
	gboolean ok = FALSE;
	switch (arg->type) {
	case ARG_STRING:
		ok = json_is_string(value);
		break;
	case ARG_UINT:
		ok = json_is_integer(value) && json_integer_value(value) >= 0;
		break;
	case ARG_BOOL:
		ok = json_is_boolean(value);
		break;
	case ARG_STRINGS:
		ok = is_strings(value);
		break;
	case ARG_INT:
		ok = json_is_integer(value);
		break;
	}
	if (!ok)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "argument \"%s\" must be %s",
			    arg->name, words[arg->type]);
	return ok;
}

static const struct request_arg *
find_arg(const struct request *request, const char *name)
{
	for (guint i = 0; i < REQUEST_ARGS_MAX && request->args[i].name; i++)
		if (g_strcmp0(request->args[i].name, name) == 0)
			return &request->args[i];
	return NULL;
}

gboolean
request_check(const struct request *request, const json_t *arguments, GError **error)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)arguments, key, value) {
		const struct request_arg *arg = find_arg(request, key);
		if (!arg) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
				    "request \"%s\" has no argument \"%s\"", request->name, key);
			return FALSE;
		}
		if (!json_is_null(value) && !check_type(arg, value, error))
			return FALSE;
	}
	for (guint i = 0; i < REQUEST_ARGS_MAX && request->args[i].name; i++) {
		const struct request_arg *arg = &request->args[i];
		json_t *given = json_object_get(arguments, arg->name);
		if (arg->required && (!given || json_is_null(given))) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
				    "request \"%s\" needs the argument \"%s\" (%s)", request->name,
				    arg->name, arg->help);
			return FALSE;
		}
	}
	return TRUE;
}
