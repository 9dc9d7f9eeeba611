/* Arguments of requests: readers, limits, and the folder that must be there. */
#include "cairnd/handlers.h"

#include "base/error.h"

const char *
arg_string(const struct control_call *call, const char *name)
{
	return json_string_value(json_object_get(call->arguments, name));
}

guint64
arg_uint(const struct control_call *call, const char *name, guint64 fallback)
{
	const json_t *value = json_object_get(call->arguments, name);
	return json_is_integer(value) ? (guint64)json_integer_value(value) : fallback;
}

gint64
arg_int(const struct control_call *call, const char *name, gint64 fallback)
{
	const json_t *value = json_object_get(call->arguments, name);
	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

gboolean
arg_bool(const struct control_call *call, const char *name)
{
	return json_is_true(json_object_get(call->arguments, name));
}

gboolean
arg_given(const struct control_call *call, const char *name)
{
	const json_t *value = json_object_get(call->arguments, name);
	return value && !json_is_null(value);
}

enum job_forget
arg_forget(const struct control_call *call)
{
	if (!arg_given(call, "forget"))
		return FORGET_AS_SET;
	return arg_bool(call, "forget") ? FORGET_AT_ONCE : FORGET_NEVER;
}

gboolean
arg_limited(const struct control_call *call, const char *name, guint64 max, GError **error)
{
	return arg_uint(call, name, 0) <= max ||
	       cairn_fail(error, CAIRN_ERROR_INVALID, "argument \"%s\" is at most %llu", name,
			  (unsigned long long)max);
}

gboolean
arg_word(const struct control_call *call, const char *name, const char *const *words, char **value,
	 GError **error)
{
	const char *text = arg_string(call, name);
	if (!text)
		text = *value ? *value : words[0];
	if (!g_strv_contains(words, text)) {
		g_autofree char *list = g_strjoinv(", ", (char **)words);
		return cairn_fail(error, CAIRN_ERROR_INVALID, "argument \"%s\" is one of: %s", name,
				  list);
	}
	char *word = g_strdup(text);
	g_free(*value);
	*value = word;
	return TRUE;
}

gboolean
arg_images(const struct control_call *call, char **format, char **compress, char **digest,
	   GError **error)
{
	static const char *const formats[] = {"qcow2", "raw", NULL};
	static const char *const compressions[] = {"none", "zstd", NULL};
	static const char *const digests[] = {"xxh3", "sha256", NULL};
	if (!arg_word(call, "format", formats, format, error) ||
	    !arg_word(call, "compress", compressions, compress, error) ||
	    !arg_word(call, "digest", digests, digest, error))
		return FALSE;
	if (strcmp(*compress, "none") == 0)
		g_clear_pointer(compress, g_free);
	return !*compress || strcmp(*format, "raw") != 0 ||
	       cairn_fail(error, CAIRN_ERROR_INVALID,
			  "raw images cannot be compressed: use format qcow2");
}

gboolean
arg_retention(const struct control_call *call, struct retention *retention, GError **error)
{
	const struct {
		const char *name;
		guint64 *value;
	} parts[] = {
		{"keep-last", &retention->last},
		{"keep-daily", &retention->daily},
		{"keep-weekly", &retention->weekly},
		{"keep-monthly", &retention->monthly},
	};
	for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
		if (!arg_limited(call, parts[i].name, RETENTION_KEEP_MAX, error))
			return FALSE;
		*parts[i].value = arg_uint(call, parts[i].name, *parts[i].value);
	}
	return TRUE;
}

/* ---- the folder ---- */

/* The folder is looked at first, by a thread: it may be on a server that is gone. */
struct folder_check {
	struct daemon *daemon;
	struct control_call *call;
	char *directory;
	void (*then)(struct daemon *daemon, struct control_call *call);
};

static void
folder_check_free(gpointer data)
{
	struct folder_check *check = data;
	g_free(check->directory);
	g_free(check);
}

static void
folder_work(struct task *task)
{
	const struct folder_check *check = task->user;
	export_dir_check(task->world->config, check->directory, &task->error);
}

static void
folder_done(struct task *task)
{
	const struct folder_check *check = task->user;
	if (task->error)
		control_call_error(check->call, task->error);
	else
		check->then(check->daemon, check->call);
}

void
after_folder_check(struct daemon *daemon, struct control_call *call,
		   void (*then)(struct daemon *, struct control_call *))
{
	struct task *task = task_new(daemon->world, folder_work, folder_done);
	struct folder_check *check = g_new0(struct folder_check, 1);
	*check = (struct folder_check){daemon, call, g_strdup(arg_string(call, "directory")), then};
	task->user = check;
	task->user_free = folder_check_free;
	task->urgent = TRUE; /* others' folders need not wait for one that hangs */
	task_start(task);
}
