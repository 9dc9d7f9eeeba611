/* The program inside the lab's guests: writes to disks in ways a backup must get right, and says
 * what it wrote on a virtio-serial port. Built static into the initramfs (tools/lab); it is no part
 * of what is installed. The host sends lines "ID COMMAND ARGUMENTS" on the port org.cairn.cmd and
 * gets "ID | text" any number of times and then "ID ok" or "ID error why". */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CMD_PORT    "/dev/virtio-ports/org.cairn.cmd"
#define DATA_PORT   "/dev/virtio-ports/org.cairn.data"
#define BLOCK	    4096u	   /* bytes of one counter record and of one step of churn */
#define CHURN_MAX   (1024u * 1024) /* bytes of the largest churn write */
#define COUNTER_OFF (512u * 1024)  /* bytes; where a counter lives on its disk */
#define LINE_MAX_   4096

/* One piece of work running in a child of its own, so that stopping it is a signal. */
struct work {
	char name[16];
	pid_t pid;
};

static struct work works[8];
static int cmd_fd;
static char *cmd_id; /* of the command being answered */

static void
say(const char *format, ...)
{
	char line[LINE_MAX_ + 64];
	va_list ap;
	int len = snprintf(line, sizeof line, "%s ", cmd_id);

	va_start(ap, format);
	len += vsnprintf(line + len, sizeof line - (size_t)len - 1, format, ap);
	va_end(ap);
	if ((size_t)len > sizeof line - 2)
		len = sizeof line - 2;
	line[len++] = '\n';
	for (int done = 0; done < len;) {
		ssize_t n = write(cmd_fd, line + done, (size_t)(len - done));

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0)
			done += (int)n;
	}
}

/* A port whose host end is closed reads as end of file: wait, it comes back. */
static ssize_t
port_read(int fd, char *buffer, size_t size)
{
	for (;;) {
		ssize_t n = read(fd, buffer, size);
		struct timespec pause = {0, 5 * 1000 * 1000};

		if (n > 0)
			return n;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -1;
		nanosleep(&pause, NULL);
	}
}

/* Reads one line without its end; drops what does not fit. One reader per process. */
static char *
port_line(int fd)
{
	static char buffer[LINE_MAX_];
	static char line[LINE_MAX_];
	static size_t start, end;
	size_t len = 0;

	for (;;) {
		if (start == end) {
			ssize_t n = port_read(fd, buffer, sizeof buffer);

			if (n < 0)
				return NULL;
			start = 0;
			end = (size_t)n;
		}
		if (buffer[start] == '\n') {
			start++;
			line[len] = '\0';
			return line;
		}
		if (len < sizeof line - 1)
			line[len++] = buffer[start];
		start++;
	}
}

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int
open_disk(const char *path, uint64_t *ret_size)
{
	int fd = open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);

	if (fd >= 0 && ret_size && ioctl(fd, BLKGETSIZE64, ret_size) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void *
block_buffer(size_t size)
{
	void *buffer;

	if (posix_memalign(&buffer, BLOCK, size))
		exit(1);
	memset(buffer, 0, size);
	return buffer;
}

/* The counter is text, so that a person sees it in a hex dump of an image. */
static int
counter_read(int disk, char *block, uint64_t *ret_n)
{
	if (pread(disk, block, BLOCK, COUNTER_OFF) != BLOCK)
		return -1;
	if (sscanf(block, "cairn-counter %" SCNu64, ret_n) != 1)
		*ret_n = 0;
	return 0;
}

static int
counter_write(int disk, char *block, uint64_t n)
{
	memset(block, 0, BLOCK);
	snprintf(block, BLOCK, "cairn-counter %020" PRIu64 "\n", n);
	return pwrite(disk, block, BLOCK, COUNTER_OFF) == BLOCK ? 0 : -1;
}

/* counter DISK: counts up on the disk and says each number after it is durable. A number that the
 * host does not take at once is not said: the next one is. */
static int
work_counter(char **argv)
{
	int disk = open_disk(argv[0], NULL);
	int port = open(DATA_PORT, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	char *block = block_buffer(BLOCK);
	uint64_t n;

	if (disk < 0 || port < 0 || counter_read(disk, block, &n) < 0)
		return 1;
	for (;;) {
		char line[32];

		if (counter_write(disk, block, ++n) < 0)
			return 1;
		if (write(port, line, (size_t)sprintf(line, "%" PRIu64 "\n", n)) < 0 &&
		    errno != EAGAIN && errno != EPIPE)
			return 1;
	}
}

/* follow DISK: makes each number that arrives durable, then repeats it. */
static int
work_follow(char **argv)
{
	int disk = open_disk(argv[0], NULL);
	int port = open(DATA_PORT, O_RDWR | O_CLOEXEC);
	char *block = block_buffer(BLOCK);
	char *line;

	if (disk < 0 || port < 0)
		return 1;
	while ((line = port_line(port))) {
		char answer[32];
		uint64_t n = strtoull(line, NULL, 10);

		if (counter_write(disk, block, n) < 0)
			return 1;
		if (write(port, answer, (size_t)sprintf(answer, "%" PRIu64 "\n", n)) < 0)
			return 1;
	}
	return 1;
}

/* One change of [offset, offset + length): data, real zeros, WRITE ZEROES or discard. */
static int
churn_one(int disk, char *buffer, uint64_t *random, uint64_t offset, uint64_t length)
{
	uint64_t range[2] = {offset, length};
	unsigned dice = next_random(random) % 100;

	if (dice < 15)
		return ioctl(disk, BLKZEROOUT, range);
	if (dice < 30)
		return ioctl(disk, BLKDISCARD, range);
	if (dice < 40) {
		memset(buffer, 0, length);
	} else {
		for (size_t i = 0; i < length / 8; i++)
			((uint64_t *)(void *)buffer)[i] = next_random(random);
	}
	return pwrite(disk, buffer, length, (off_t)offset) == (ssize_t)length ? 0 : -1;
}

/* churn DISK START LENGTH SEED COUNT PER_SECOND: random changes of [START, START+LENGTH) bytes of a
 * disk (LENGTH 0: to its end), COUNT of them (0: without end), PER_SECOND of them (0: as fast as it
 * goes). */
static int
work_churn(char **argv)
{
	uint64_t size;
	int disk = open_disk(argv[0], &size);
	uint64_t start = strtoull(argv[1], NULL, 10) / BLOCK * BLOCK;
	uint64_t length = strtoull(argv[2], NULL, 10) / BLOCK * BLOCK;
	uint64_t random = strtoull(argv[3], NULL, 10) * 2 + 1;
	uint64_t count = strtoull(argv[4], NULL, 10);
	long rate = strtol(argv[5], NULL, 10);
	char *buffer = block_buffer(CHURN_MAX);

	if (disk < 0 || start >= size)
		return 1;
	if (!length || length > size - start)
		length = size - start;
	for (uint64_t i = 0; !count || i < count; i++) {
		/* Small changes are the common ones, as in a database. */
		uint64_t most = next_random(&random) % 4 ? 8 : CHURN_MAX / BLOCK;
		uint64_t len = (1 + next_random(&random) % most) * BLOCK;
		uint64_t offset;
		struct timespec pause = {0, rate ? 999999999 / rate : 0};

		if (len > length)
			len = length;
		offset = start + next_random(&random) % ((length - len) / BLOCK + 1) * BLOCK;
		if (churn_one(disk, buffer, &random, offset, len) < 0)
			return 1;
		if (rate)
			nanosleep(&pause, NULL);
	}
	return fsync(disk) < 0;
}

/* files DIR COUNT: writes, syncs and renames files in a mounted file system, COUNT names in turn.
 */
static int
work_files(char **argv)
{
	unsigned count = (unsigned)strtoul(argv[1], NULL, 10);
	char *buffer = block_buffer(16 * BLOCK);
	uint64_t random = 88172645463325252u;

	for (unsigned i = 0;; i++) {
		char name[256], temporary[256];
		int fd;

		snprintf(name, sizeof name, "%s/file-%u", argv[0], i % (count ? count : 1));
		snprintf(temporary, sizeof temporary, "%s/.new", argv[0]);
		for (size_t k = 0; k < 16 * BLOCK / 8; k++)
			((uint64_t *)(void *)buffer)[k] = next_random(&random);
		fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0 || write(fd, buffer, 16 * BLOCK) != 16 * BLOCK || fsync(fd) < 0)
			return 1;
		close(fd);
		if (rename(temporary, name) < 0)
			return 1;
	}
}

static const struct {
	const char *name;
	int argc;
	int (*run)(char **argv);
} works_known[] = {
	{"counter", 1, work_counter},
	{"follow", 1, work_follow},
	{"churn", 6, work_churn},
	{"files", 2, work_files},
};

static struct work *
work_find(const char *name)
{
	for (size_t i = 0; i < sizeof works / sizeof *works; i++)
		if (!strcmp(works[i].name, name))
			return &works[i];
	return NULL;
}

/* Ends a work and tells how it ended; the disk holds all it said. */
static void
work_stop(struct work *work, int sig)
{
	int status = 0;

	if (sig)
		kill(work->pid, sig);
	while (waitpid(work->pid, &status, 0) < 0 && errno == EINTR)
		;
	*work = (struct work){0};
	if (WIFEXITED(status) && WEXITSTATUS(status))
		say("error it failed before (status %d)", WEXITSTATUS(status));
	else
		say("ok");
}

/* start NAME ARGUMENTS: in the background; run: to its end. */
static void
cmd_start(int argc, char **argv)
{
	int wait = !strcmp(argv[0], "run");
	struct work *work;
	size_t k = 0;

	while (k < sizeof works_known / sizeof *works_known &&
	       (argc < 2 || strcmp(argv[1], works_known[k].name)))
		k++;
	if (k == sizeof works_known / sizeof *works_known || argc - 2 != works_known[k].argc) {
		say("error no such work, or its arguments are wrong");
		return;
	}
	work = work_find("");
	if (!work || work_find(argv[1])) {
		say("error it runs already");
		return;
	}
	work->pid = fork();
	if (work->pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		_exit(works_known[k].run(argv + 2));
	}
	snprintf(work->name, sizeof work->name, "%s", argv[1]);
	if (wait)
		work_stop(work, 0);
	else
		say("ok");
}

static void
cmd_stop(int argc, char **argv)
{
	struct work *work = argc > 1 ? work_find(argv[1]) : NULL;

	if (!work || !*work->name)
		say("error it does not run");
	else
		work_stop(work, SIGKILL);
}

/* number DISK: the counter on it. */
static void
cmd_number(int argc, char **argv)
{
	int disk = argc > 1 ? open_disk(argv[1], NULL) : -1;
	char *block = block_buffer(BLOCK);
	uint64_t n;

	if (disk < 0 || counter_read(disk, block, &n) < 0) {
		say("error cannot read it: %s", strerror(errno));
	} else {
		say("| %" PRIu64, n);
		say("ok");
	}
	free(block);
	if (disk >= 0)
		close(disk);
}

/* data|zero|discard DISK OFFSET LENGTH SEED: one change of one range, durable when answered. */
static void
cmd_range(int argc, char **argv)
{
	int disk = argc == 5 ? open_disk(argv[1], NULL) : -1;
	char *buffer = block_buffer(CHURN_MAX);
	uint64_t range[2] = {0, 0};
	uint64_t random;
	int failed = disk < 0;

	if (!failed) {
		range[0] = strtoull(argv[2], NULL, 10);
		range[1] = strtoull(argv[3], NULL, 10);
		random = strtoull(argv[4], NULL, 10) * 2 + 1;
	}
	if (!failed && !strcmp(argv[0], "zero"))
		failed = ioctl(disk, BLKZEROOUT, range) < 0;
	else if (!failed && !strcmp(argv[0], "discard"))
		failed = ioctl(disk, BLKDISCARD, range) < 0;
	else
		for (uint64_t done = 0; !failed && done < range[1]; done += CHURN_MAX) {
			size_t len = range[1] - done < CHURN_MAX ? range[1] - done : CHURN_MAX;

			for (size_t i = 0; i < CHURN_MAX / 8; i++)
				((uint64_t *)(void *)buffer)[i] = next_random(&random);
			failed =
				pwrite(disk, buffer, len, (off_t)(range[0] + done)) != (ssize_t)len;
		}
	failed |= disk >= 0 && fsync(disk) < 0;
	if (failed)
		say("error %s", strerror(errno));
	else
		say("ok");
	free(buffer);
	if (disk >= 0)
		close(disk);
}

/* sh TEXT: what it prints, line by line; an exit status other than 0 is an error. */
static void
cmd_sh(char *text)
{
	char line[LINE_MAX_];
	FILE *pipe;
	int status;

	setenv("PATH", "/bin:/sbin", 1);
	pipe = popen(text, "re");
	if (!pipe) {
		say("error %s", strerror(errno));
		return;
	}
	while (fgets(line, sizeof line, pipe)) {
		line[strcspn(line, "\n")] = '\0';
		say("| %s", line);
	}
	status = pclose(pipe);
	if (status)
		say("error exit status %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	else
		say("ok");
}

static void
cmd_ping(int argc, char **argv)
{
	say("ok");
}

static const struct {
	const char *name;
	void (*run)(int argc, char **argv);
} commands[] = {
	{"ping", cmd_ping},  {"start", cmd_start}, {"run", cmd_start},	   {"stop", cmd_stop},
	{"data", cmd_range}, {"zero", cmd_range},  {"discard", cmd_range}, {"number", cmd_number},
};

static void
serve_line(char *line)
{
	char *argv[16];
	int argc = 0;
	char *save = NULL;

	cmd_id = strtok_r(line, " ", &save);
	if (!cmd_id || !save)
		return;
	if (!strncmp(save, "sh ", 3)) {
		cmd_sh(save + 3);
		return;
	}
	while (argc < 15 && (argv[argc] = strtok_r(NULL, " ", &save)))
		argc++;
	for (size_t i = 0; argc && i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(argv[0], commands[i].name)) {
			commands[i].run(argc, argv);
			return;
		}
	say("error no such command");
}

int
main(void)
{
	char *line;

	cmd_fd = open(CMD_PORT, O_RDWR | O_CLOEXEC);
	if (cmd_fd < 0) {
		perror(CMD_PORT);
		return 1;
	}
	while ((line = port_line(cmd_fd)))
		serve_line(line);
	return 1;
}
