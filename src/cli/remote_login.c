/* Where a password comes from: the option, a file, the environment, or a person at a terminal. */
#include "cli/remote_private.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_MAX 1024 /* bytes */
#define CONTROL_C    3

void
remote_wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	g_free(secret);
}

static gboolean
is_interrupted(const char *line)
{
	return strchr(line, CONTROL_C) != NULL;
}

/* Up to the end of the line; NULL when it is too long or cannot be read. */
static char *
read_line(int fd)
{
	char line[PASSWORD_MAX + 1];
	gsize len = 0;
	while (len < sizeof(line)) {
		ssize_t got = read(fd, line + len, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || line[len] == '\n')
			break;
		len++;
	}
	char *copy = len < sizeof(line) ? g_strndup(line, len) : NULL;
	explicit_bzero(line, sizeof(line));
	return copy;
}

static gboolean
take_file(const char *path, char **ret_password, GError **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		cairn_set_errno(error, errno, "--password-file: \"%s\"", path);
		return FALSE;
	}
	*ret_password = read_line(fd);
	close(fd);
	if (*ret_password)
		g_strchomp(*ret_password); /* the \r of another system */
	return *ret_password ||
	       cairn_fail(error, CAIRN_ERROR_LIMIT, "--password-file: over %d bytes", PASSWORD_MAX);
}

/* Without echo. Signals are off meanwhile, so that the terminal is never left so; ^C ends it with
 * the line. */
static gboolean
ask(const char *user, const char *host, char **ret_password, GError **error)
{
	struct termios before, silent;
	g_autofree char *prompt = g_strdup_printf("Password of %s at %s: ", user, host);
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || tcgetattr(fd, &before) < 0) {
		if (fd >= 0)
			close(fd);
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "--user: no password and no terminal to ask for it: use "
				  "--password-file or CAIRN_PASSWORD");
	}
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	tcsetattr(fd, TCSAFLUSH, &silent);
	gboolean ok = write(fd, prompt, strlen(prompt)) > 0;
	char *line = ok ? read_line(fd) : NULL;
	tcsetattr(fd, TCSAFLUSH, &before);
	ok = write(fd, "\n", 1) > 0 && line && !is_interrupted(line);
	close(fd);
	if (ok)
		*ret_password = line;
	else
		remote_wipe(line);
	return ok || cairn_fail(error, CAIRN_ERROR_CANCELLED, "no password was given");
}

static gboolean
find_password(const struct remote_login *login, const char *host, char **ret_password,
	      GError **error)
{
	const char *env = g_getenv("CAIRN_PASSWORD");
	if (login->password_file)
		return take_file(login->password_file, ret_password, error);
	if (!env)
		return ask(login->user, host, ret_password, error);
	*ret_password = g_strdup(env);
	return TRUE;
}

gboolean
remote_login_text(const struct remote_login *login, const char *host, char **ret_text,
		  GError **error)
{
	char *password = NULL;
	*ret_text = NULL;
	if (!login->user)
		return TRUE;
	if (strchr(login->user, ':')) {
		*ret_text = g_strdup(login->user);
		return TRUE;
	}
	if (!find_password(login, host, &password, error))
		return FALSE;
	*ret_text = g_strdup_printf("%s:%s", login->user, password);
	remote_wipe(password);
	return TRUE;
}
