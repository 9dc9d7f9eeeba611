/* See exporter.h. */
#include "cairnd/exporter.h"

#include "base/error.h"
#include "base/json.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define EXIT_CANCELLED 3

/* How long one that is to stop may take to put what it has on the disk, or to remove what it has
 * begun. */
#define STOP_LIMIT (60 * G_USEC_PER_SEC)

void
exporter_clear(struct exporter *exporter)
{
	g_clear_pointer(&exporter->spawn, spawn_free);
	g_clear_error(&exporter->error);
}

gboolean
exporter_line(struct exporter *exporter, const char *line, struct exporter_progress *ret_progress)
{
	g_autoptr(json_t) json = cairn_json_parse(line, strlen(line), NULL);
	const json_t *progress = json_object_get(json, "progress");
	const json_t *error = json_object_get(json, "error");
	const char *class_name = json_string_value(json_object_get(error, "class"));
	const char *desc = json_string_value(json_object_get(error, "desc"));
	if (class_name && desc && !exporter->error)
		exporter->error =
			g_error_new_literal(CAIRN_ERROR, cairn_error_from_class(class_name), desc);
	return progress &&
	       cairn_json_get_uint(progress, "done", JSON_MAX_UINT, &ret_progress->done, NULL) &&
	       cairn_json_get_uint(progress, "total", JSON_MAX_UINT, &ret_progress->total, NULL) &&
	       cairn_json_get_uint(progress, "rate", JSON_MAX_UINT, &ret_progress->rate, NULL);
}

GError *
exporter_why(const struct exporter *exporter, int status, const char *last_error,
	     const char *stopped)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	if (exporter->killed || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CANCELLED))
		return g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_CANCELLED, stopped);
	if (exporter->error)
		return g_error_copy(exporter->error);
	if (WIFSIGNALED(status))
		return g_error_new(CAIRN_ERROR, CAIRN_ERROR_IO,
				   "cairn-export was ended by signal %d", WTERMSIG(status));
	return g_error_new(CAIRN_ERROR, CAIRN_ERROR_IO, "cairn-export failed: %s",
			   last_error ? last_error : "it gave no reason");
}

static void
end(struct exporter *exporter)
{
	exporter->killed = TRUE;
	spawn_signal(exporter->spawn, SIGKILL);
}

void
exporter_stop(struct exporter *exporter, gboolean at_once)
{
	exporter->stopped = TRUE;
	exporter->stop_by = g_get_monotonic_time() + STOP_LIMIT;
	if (exporter->spawn && (at_once || !spawn_send(exporter->spawn, "cancel")))
		end(exporter);
}

void
exporter_tick(struct exporter *exporter, gint64 now)
{
	if (exporter->spawn && exporter->stopped && !exporter->killed && now >= exporter->stop_by)
		end(exporter);
}

void
exporter_tell_rate(struct exporter *exporter, guint64 rate)
{
	g_autofree char *line = g_strdup_printf("rate %" G_GUINT64_FORMAT, rate);
	if (exporter->rate != rate && spawn_send(exporter->spawn, line))
		exporter->rate = rate;
}
