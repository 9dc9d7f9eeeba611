/* The report of a verification: findings, and its JSON. */
#include "image/verify_run.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

#define PROGRESS_USEC (G_USEC_PER_SEC / 4)

/* The part of @path below the folder that was verified; a base beside it keeps its full path. */
static char *
shown_path(const struct verify *verify, const char *dir, const char *name)
{
	g_autofree char *joined = *name ? g_build_filename(dir, name, NULL) : g_strdup(dir);
	g_autofree char *full = g_canonicalize_filename(joined, NULL);
	gsize len = strlen(verify->root);
	if (g_str_has_prefix(full, verify->root) && full[len] == '/')
		return g_strdup(full + len + 1);
	return strcmp(full, verify->root) == 0 ? g_strdup(".") : g_steal_pointer(&full);
}

void
verify_file_begin(struct verify_file *file, struct verify *verify, const char *dir,
		  const char *name)
{
	file->verify = verify;
	file->path = shown_path(verify, dir, name);
	file->kept = file->errors = 0;
}

static void
add_finding(struct verify_file *file, enum verify_severity severity, gint64 offset, guint64 length,
	    char *what)
{
	struct verify_finding *finding = g_new0(struct verify_finding, 1);
	finding->severity = severity;
	finding->path = g_strdup(file->path);
	finding->what = what;
	finding->offset = offset;
	finding->length = length;
	g_ptr_array_add(file->verify->report->findings, finding);
}

void
verify_find(struct verify_file *file, enum verify_severity severity, gint64 offset, guint64 length,
	    const char *format, ...)
{
	if (severity == VERIFY_ERROR)
		file->verify->report->errors++, file->errors++;
	else
		file->verify->report->warnings++;
	if (file->kept++ >= VERIFY_MAX_FINDINGS_PER_FILE)
		return;
	va_list args;
	va_start(args, format);
	add_finding(file, severity, offset, length, g_strdup_vprintf(format, args));
	va_end(args);
}

void
verify_file_end(struct verify_file *file)
{
	if (file->kept > VERIFY_MAX_FINDINGS_PER_FILE)
		add_finding(file, file->errors ? VERIFY_ERROR : VERIFY_WARNING, -1, 0,
			    g_strdup_printf("%u more findings are not listed",
					    file->kept - VERIFY_MAX_FINDINGS_PER_FILE));
	g_clear_pointer(&file->path, g_free);
}

void
verify_tell(struct verify *verify, const char *path, guint64 done, gboolean now)
{
	gint64 time = g_get_monotonic_time();
	if (!verify->options->progress || (!now && time - verify->told < PROGRESS_USEC))
		return;
	verify->told = time;
	verify->progress.path = path;
	verify->progress.done = MIN(verify->done_before + done, verify->progress.total);
	verify->options->progress(&verify->progress, verify->options->progress_data);
}

gboolean
verify_cancelled(const struct verify *verify, GError **error)
{
	if (!g_cancellable_is_cancelled(verify->options->cancel))
		return FALSE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_CANCELLED, "the verification was cancelled");
	return TRUE;
}

void
verify_report_free(struct verify_report *report)
{
	if (!report)
		return;
	g_ptr_array_unref(report->findings);
	g_free(report);
}

static json_t *
finding_json(const struct verify_finding *finding)
{
	json_t *json = json_object();
	gboolean placed = finding->offset >= 0, sized = placed && finding->length > 0;
	cairn_json_set_string(json, "severity",
			      finding->severity == VERIFY_ERROR ? "error" : "warning");
	cairn_json_set_string(json, "path", finding->path);
	cairn_json_set_string(json, "what", finding->what);
	cairn_json_set(json, "offset", placed ? json_integer(finding->offset) : json_null());
	cairn_json_set(json, "length",
		       sized ? json_integer((json_int_t)finding->length) : json_null());
	return json;
}

json_t *
verify_report_json(const struct verify_report *report)
{
	json_t *json = json_object(), *findings = json_array();
	cairn_json_set_uint(json, "points", report->points);
	cairn_json_set_uint(json, "images", report->images);
	cairn_json_set_uint(json, "files", report->files);
	cairn_json_set_uint(json, "bytes", report->bytes);
	cairn_json_set_uint(json, "errors", report->errors);
	cairn_json_set_uint(json, "warnings", report->warnings);
	cairn_json_set_bool(json, "qemu-img", report->qemu_img);
	for (guint i = 0; i < report->findings->len; i++)
		json_array_append_new(findings,
				      finding_json(g_ptr_array_index(report->findings, i)));
	cairn_json_set(json, "findings", findings);
	return json;
}
