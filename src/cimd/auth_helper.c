/* The process that runs PAM. It is forked before we give our rights up, keeps them, and does
 * nothing but answer one question: is this the password of that user? PAM needs rights for
 * /etc/shadow that the front end must not have, and its modules may block, leak or crash: each
 * question gets a child.
 *
 * On the socket (SOCK_SEQPACKET) a question is an id and three strings ended by NUL: user,
 * password, peer. An answer is the id and one string: the user's local name, or "" for no. */
#include "cimd/auth_private.h"
#include "cimd/limits.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEER_MAX      128
#define QUESTION_MAX  (4 + AUTH_USER_MAX + AUTH_PASSWORD_MAX + PEER_MAX + 3)
#define ANSWER_MAX    (4 + AUTH_USER_MAX + 1)
#define CHILD_SECONDS 60 /* for PAM to come to an end */
#define REAP_MS	      100

struct question {
	guint32 id;
	const char *user, *password, *peer;
};

/* ---- in the helper: PAM ---- */

static int
converse(int count, const struct pam_message **messages, struct pam_response **ret_responses,
	 void *password)
{
	if (count <= 0 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	struct pam_response *responses = calloc((size_t)count, sizeof *responses);
	for (int i = 0; responses && i < count; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			responses[i].resp = strdup(password);
	*ret_responses = responses;
	return responses ? PAM_SUCCESS : PAM_BUF_ERR;
}

/* The front end makes peers wait; a child that sleeps would only be in the way. */
static void
no_delay(int status, unsigned int usec, void *data)
{
}

/* An absolute path is a file like those in /etc/pam.d, elsewhere. */
static int
start_pam(const char *service, const char *user, const struct pam_conv *conv,
	  pam_handle_t **ret_pam)
{
	if (!g_path_is_absolute(service))
		return pam_start(service, user, conv, ret_pam);
	g_autofree char *folder = g_path_get_dirname(service);
	g_autofree char *name = g_path_get_basename(service);
	return pam_start_confdir(name, user, conv, folder, ret_pam);
}

static gboolean
pam_says_yes(const char *service, const struct question *question, char *ret_user)
{
	struct pam_conv conv = {converse, (void *)question->password};
	pam_handle_t *pam = NULL;
	const void *user = NULL;
	if (start_pam(service, question->user, &conv, &pam) != PAM_SUCCESS)
		return FALSE;
	pam_set_item(pam, PAM_RHOST, question->peer);
	pam_set_item(pam, PAM_FAIL_DELAY, no_delay);
	int status = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (status == PAM_SUCCESS)
		status = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (status == PAM_SUCCESS)
		status = pam_get_item(pam, PAM_USER, &user);
	gboolean yes = status == PAM_SUCCESS && user &&
		       g_strlcpy(ret_user, user, AUTH_USER_MAX) < AUTH_USER_MAX;
	pam_end(pam, status);
	return yes;
}

/* ---- in the helper: the loop ---- */

struct helper_child {
	pid_t pid; /* 0: free */
	guint32 id;
};

static void
send_answer(int fd, guint32 id, const char *user)
{
	char answer[ANSWER_MAX];
	gsize len = strlen(user) + 1;
	memcpy(answer, &id, sizeof id);
	memcpy(answer + sizeof id, user, len);
	if (send(fd, answer, sizeof id + len, MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* Takes the strings out of @buffer, which they stay in. */
static gboolean
read_question(char *buffer, gsize len, struct question *question)
{
	const char **strings[] = {&question->user, &question->password, &question->peer};
	char *at = buffer + sizeof question->id, *end = buffer + len;
	if (len < sizeof question->id)
		return FALSE;
	memcpy(&question->id, buffer, sizeof question->id);
	for (guint i = 0; i < G_N_ELEMENTS(strings); i++) {
		char *nul = at < end ? memchr(at, '\0', (gsize)(end - at)) : NULL;
		if (!nul)
			return FALSE;
		*strings[i] = at;
		at = nul + 1;
	}
	return TRUE;
}

static void
ask_in_child(int fd, const char *service, const struct question *question)
{
	char user[AUTH_USER_MAX] = "";
	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	alarm(CHILD_SECONDS);
	if (!pam_says_yes(service, question, user))
		user[0] = '\0';
	send_answer(fd, question->id, user);
	_exit(0);
}

/* A child that died of its module is a no. */
static void
reap(int fd, struct helper_child *children, guint *count)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (guint i = 0; i < AUTH_HELPER_MAX; i++) {
			if (children[i].pid != pid)
				continue;
			if (status != 0)
				send_answer(fd, children[i].id, "");
			children[i].pid = 0;
			--*count;
		}
}

static void
take_question(int fd, const char *service, struct helper_child *children, guint *count)
{
	char buffer[QUESTION_MAX];
	struct question question;
	ssize_t len = recv(fd, buffer, sizeof buffer, 0);
	if (len <= 0)
		_exit(0); /* the front end has ended */
	if (!read_question(buffer, (gsize)len, &question))
		_exit(1);
	struct helper_child *child = children;
	while (child < children + AUTH_HELPER_MAX && child->pid)
		child++;
	pid_t pid = child < children + AUTH_HELPER_MAX ? fork() : -1;
	if (pid == 0)
		ask_in_child(fd, service, &question);
	if (pid > 0) {
		*child = (struct helper_child){pid, question.id};
		++*count;
	} else {
		send_answer(fd, question.id, "");
	}
	explicit_bzero(buffer, sizeof buffer);
}

static G_GNUC_NORETURN void
helper_main(int fd, const char *service)
{
	struct helper_child children[AUTH_HELPER_MAX] = {{0}};
	guint count = 0;
	prctl(PR_SET_NAME, "cairn-cimd-auth");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGCHLD, SIG_DFL);
	/* ^C on a terminal goes to all; the front end's end is what ends us. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = count < AUTH_HELPER_MAX ? POLLIN : 0};
		int ready = poll(&poll_fd, 1, count ? REAP_MS : -1);
		reap(fd, children, &count);
		if (ready > 0)
			take_question(fd, service, children, &count);
	}
}

/* ---- in the front end ---- */

struct waiting {
	void (*done)(const char *user, gpointer data);
	gpointer data;
};

struct auth_helper {
	int fd;
	pid_t pid;
	guint source, idle;
	guint32 next;
	GHashTable *waiting; /* id to struct waiting */
	GQueue failed;	     /* struct waiting, to be told no in the next turn */
};

/* Only what the helper needs stays open in it. */
static void
keep_only(int fd)
{
	int null = open("/dev/null", O_RDWR);
	dup2(fd, 3);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
	close_range(4, ~0u, 0);
}

struct auth_helper *
auth_helper_start(const char *service, GError **error)
{
	int fds[2];
	const char *name = service && *service ? service : "cairn-cimd";
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		cairn_set_errno(error, errno, "cannot start the helper for passwords");
		return NULL;
	}
	pid_t pid = fork();
	if (pid == 0) {
		keep_only(fds[1]);
		helper_main(3, name);
	}
	close(fds[1]);
	if (pid < 0) {
		cairn_set_errno(error, errno, "cannot start the helper for passwords");
		close(fds[0]);
		return NULL;
	}
	struct auth_helper *helper = g_new0(struct auth_helper, 1);
	helper->fd = fds[0];
	helper->pid = pid;
	helper->waiting = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	return helper;
}

static gboolean
on_failed(gpointer user)
{
	struct auth_helper *helper = user;
	helper->idle = 0;
	GQueue failed = helper->failed;
	g_queue_init(&helper->failed);
	struct waiting *waiting;
	while ((waiting = g_queue_pop_head(&failed))) {
		waiting->done(NULL, waiting->data);
		g_free(waiting);
	}
	return G_SOURCE_REMOVE;
}

static void
fail_later(struct auth_helper *helper, struct waiting *waiting)
{
	g_queue_push_tail(&helper->failed, waiting);
	if (!helper->idle)
		helper->idle = g_idle_add(on_failed, helper);
}

static void
fail_all(struct auth_helper *helper)
{
	GHashTableIter iter;
	gpointer waiting;
	g_hash_table_iter_init(&iter, helper->waiting);
	while (g_hash_table_iter_next(&iter, NULL, &waiting)) {
		g_hash_table_iter_steal(&iter);
		fail_later(helper, waiting);
	}
}

static void
take_answer(struct auth_helper *helper, const char *answer, gsize len)
{
	guint32 id;
	memcpy(&id, answer, sizeof id);
	struct waiting *waiting = g_hash_table_lookup(helper->waiting, GUINT_TO_POINTER(id));
	if (!waiting || answer[len - 1] != '\0')
		return;
	g_hash_table_steal(helper->waiting, GUINT_TO_POINTER(id));
	const char *user = answer + sizeof id;
	waiting->done(*user ? user : NULL, waiting->data);
	g_free(waiting);
}

static gboolean
on_answer(gint fd, GIOCondition condition, gpointer user)
{
	struct auth_helper *helper = user;
	char answer[ANSWER_MAX];
	ssize_t len = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (len > (ssize_t)sizeof(guint32)) {
		take_answer(helper, answer, (gsize)len);
		return G_SOURCE_CONTINUE;
	}
	g_warning("the helper for passwords has ended: nobody can log in with one");
	helper->source = 0;
	cairn_close_fd(&helper->fd);
	fail_all(helper);
	return G_SOURCE_REMOVE;
}

static gboolean
send_question(struct auth_helper *helper, guint32 id, const char *const *strings)
{
	char question[QUESTION_MAX];
	gsize at = sizeof id;
	memcpy(question, &id, sizeof id);
	for (; *strings; strings++) {
		gsize len = strlen(*strings) + 1;
		if (at + len > sizeof question)
			return FALSE;
		memcpy(question + at, *strings, len);
		at += len;
	}
	gboolean ok = send(helper->fd, question, at, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)at;
	explicit_bzero(question, sizeof question);
	return ok;
}

void
auth_helper_check(struct auth_helper *helper, const char *user, const char *password,
		  const char *peer, void (*done)(const char *user, gpointer data), gpointer data)
{
	const char *strings[] = {user, password, peer, NULL};
	struct waiting *waiting = g_new0(struct waiting, 1);
	guint32 id = ++helper->next;
	waiting->done = done;
	waiting->data = data;
	if (helper->fd >= 0 && !helper->source)
		helper->source = g_unix_fd_add(helper->fd, G_IO_IN | G_IO_HUP, on_answer, helper);
	if (helper->fd >= 0 && send_question(helper, id, strings))
		g_hash_table_insert(helper->waiting, GUINT_TO_POINTER(id), waiting);
	else
		fail_later(helper, waiting);
}

static gboolean
is_of(gpointer id, gpointer waiting, gpointer data)
{
	return ((struct waiting *)waiting)->data == data;
}

void
auth_helper_forget(struct auth_helper *helper, gpointer data)
{
	g_hash_table_foreach_remove(helper->waiting, is_of, data);
	for (GList *link = helper->failed.head, *next; link; link = next) {
		next = link->next;
		if (is_of(NULL, link->data, data)) {
			g_free(link->data);
			g_queue_delete_link(&helper->failed, link);
		}
	}
}

void
auth_helper_free(struct auth_helper *helper)
{
	if (!helper)
		return;
	if (helper->source)
		g_source_remove(helper->source);
	if (helper->idle)
		g_source_remove(helper->idle);
	fail_all(helper);
	g_clear_handle_id(&helper->idle, g_source_remove);
	on_failed(helper);
	cairn_close_fd(&helper->fd); /* which ends it; we may have no right to kill it */
	waitpid(helper->pid, NULL, 0);
	g_hash_table_unref(helper->waiting);
	g_free(helper);
}
