/* qemu-storage-daemon as a child; see qsd.h. Its QMP monitor is on its standard input and output.
 */
#include "hypervisor/qsd.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Every command here is quick; a lock that is held is refused at once. */
#define ANSWER_USEC (30 * G_USEC_PER_SEC)
/* query-named-block-nodes with many bitmaps */
#define LINE_MAX_BYTES (16 * 1024 * 1024)

struct qsd {
	GThread *keeper;
	GMutex lock;
	GCond started;
	gboolean ready;	 /* the keeper has tried to start it */
	gboolean exited; /* and waited for it */
	GError *why;	 /* why it could not be started */
	pid_t pid;
	int in, out; /* ours: we write to @in, read from @out */
	GString *buffer;
};

/* Between fork and exec. PDEATHSIG comes when the *thread* that forked ends, which is why that
 * thread stays as long as the child. */
static void
child_setup(gpointer parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != GPOINTER_TO_INT(parent))
		_exit(127);
}

static void
announce(struct qsd *qsd)
{
	g_mutex_lock(&qsd->lock);
	qsd->ready = TRUE;
	g_cond_signal(&qsd->started);
	g_mutex_unlock(&qsd->lock);
}

static gpointer
keep(gpointer data)
{
	struct qsd *qsd = data;
	char *argv[] = {"qemu-storage-daemon", "--chardev",   "stdio,id=qmp",
			"--monitor",	       "chardev=qmp", NULL};
	GPid pid = 0;
	gboolean ok = g_spawn_async_with_pipes(
		NULL, argv, NULL,
		G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL,
		child_setup, GINT_TO_POINTER(getpid()), &pid, &qsd->in, &qsd->out, NULL, &qsd->why);
	g_mutex_lock(&qsd->lock);
	qsd->pid = ok ? pid : 0;
	qsd->exited = !ok;
	g_mutex_unlock(&qsd->lock);
	announce(qsd);
	if (!ok)
		return NULL;
	/* WNOWAIT: the number stays taken until @exited is set, so that qsd_free() signals nobody
	 * else. */
	siginfo_t info;
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	g_mutex_lock(&qsd->lock);
	qsd->exited = TRUE;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	g_mutex_unlock(&qsd->lock);
	return NULL;
}

static gboolean
read_line(struct qsd *qsd, char **ret_line, GError **error)
{
	gint64 deadline = g_get_monotonic_time() + ANSWER_USEC;
	for (;;) {
		char *end = memchr(qsd->buffer->str, '\n', qsd->buffer->len);
		if (end) {
			gsize len = (gsize)(end - qsd->buffer->str);
			*ret_line = g_strndup(qsd->buffer->str, len);
			g_string_erase(qsd->buffer, 0, (gssize)len + 1);
			return TRUE;
		}
		gint64 left = deadline - g_get_monotonic_time();
		struct pollfd fd = {.fd = qsd->out, .events = POLLIN};
		char chunk[16384];
		ssize_t n = 0;
		if (left > 0 && poll(&fd, 1, (int)(left / 1000) + 1) > 0)
			n = read(qsd->out, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || qsd->buffer->len + (gsize)n > LINE_MAX_BYTES) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER,
				    "qemu-storage-daemon ended or does not answer");
			return FALSE;
		}
		g_string_append_len(qsd->buffer, chunk, n);
	}
}

static gboolean
send(struct qsd *qsd, const char *execute, json_t *arguments, GError **error)
{
	g_autoptr(json_t) command = json_object();
	cairn_json_set_string(command, "execute", execute);
	if (arguments)
		cairn_json_set(command, "arguments", arguments);
	g_autofree char *text = cairn_json_dump(command);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	return cairn_write_all(qsd->in, line, strlen(line), "qemu-storage-daemon", error);
}

static gboolean
fail(const json_t *problem, const char *execute, GError **error)
{
	const char *text = json_string_value(json_object_get(problem, "desc"));
	text = text ? text : "no reason given";
	g_set_error(error, CAIRN_ERROR, strstr(text, "lock") ? CAIRN_ERROR_BUSY : CAIRN_ERROR_PEER,
		    "qemu-storage-daemon, %s: %s", execute, text);
	return FALSE;
}

gboolean
qsd_command(struct qsd *qsd, const char *execute, json_t *arguments, json_t **ret_value,
	    GError **error)
{
	if (!send(qsd, execute, arguments, error))
		return FALSE;
	for (;;) {
		g_autofree char *line = NULL;
		if (!read_line(qsd, &line, error))
			return FALSE;
		g_autoptr(json_t) answer = cairn_json_parse(line, strlen(line), error);
		if (!answer)
			return FALSE;
		if (json_object_get(answer, "error"))
			return fail(json_object_get(answer, "error"), execute, error);
		json_t *value = json_object_get(answer, "return");
		if (!value)
			continue; /* the greeting or an event */
		if (ret_value)
			*ret_value = json_incref(value);
		return TRUE;
	}
}

struct qsd *
qsd_start(GError **error)
{
	struct qsd *qsd = g_new0(struct qsd, 1);
	qsd->in = qsd->out = -1;
	qsd->buffer = g_string_new(NULL);
	g_mutex_init(&qsd->lock);
	g_cond_init(&qsd->started);
	qsd->keeper = g_thread_new("qsd", keep, qsd);
	g_mutex_lock(&qsd->lock);
	while (!qsd->ready)
		g_cond_wait(&qsd->started, &qsd->lock);
	g_mutex_unlock(&qsd->lock);
	gboolean ok = qsd->why == NULL;
	if (!ok)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "%s", qsd->why->message);
	if (!ok || !qsd_command(qsd, "qmp_capabilities", NULL, NULL, error)) {
		qsd_free(qsd);
		return NULL;
	}
	return qsd;
}

gboolean
qsd_alive(struct qsd *qsd)
{
	g_mutex_lock(&qsd->lock);
	gboolean alive = !qsd->exited;
	g_mutex_unlock(&qsd->lock);
	return alive;
}

void
qsd_free(struct qsd *qsd)
{
	if (!qsd)
		return;
	g_mutex_lock(&qsd->lock);
	if (!qsd->exited)
		kill(qsd->pid, SIGKILL);
	g_mutex_unlock(&qsd->lock);
	g_thread_join(qsd->keeper);
	cairn_close_fd(&qsd->in);
	cairn_close_fd(&qsd->out);
	g_string_free(qsd->buffer, TRUE);
	g_clear_error(&qsd->why);
	g_mutex_clear(&qsd->lock);
	g_cond_clear(&qsd->started);
	g_free(qsd);
}
