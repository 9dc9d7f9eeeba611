/* A control server over real sockets in a folder of its own, in the loop of the test's main thread,
 * and a raw client for the same thread. */
#pragma once

#include "control/control.h"

#define DEADLINE_MS 120000

/* The server's handler does what the daemon would do, in small:
 *   query-version  answers at once with who asks
 *   subscribe      as the daemon
 *   group-list     answers with a text of 300000 bytes
 *   job-show       stays in `waiting`
 *   group-delete   fails */
struct fixture {
	char *dir, *path, *read_path;
	struct control_server *server;
	GPtrArray *waiting; /* struct control_call of "job-show", answered by the test */
	guint calls;
};

void handler(struct control_call *call, void *fixture);
void set_up(struct fixture *f, gconstpointer unused);
void tear_down(struct fixture *f, gconstpointer unused);
/* Run the loop until there are so many clients, or calls in `waiting`. */
void wait_clients(struct fixture *f, guint count);
void wait_waiting(struct fixture *f, guint count);
/* Answers one of `waiting`. */
void answer(struct fixture *f, guint which, int value);
/* A timer's callback: sets a gboolean. */
gboolean on_deadline(void *late);

/* A non-blocking socket and what came from it. */
struct raw {
	int fd;
	GString *got;
	gboolean ended;
};

void raw_open(struct raw *raw, const char *path);
/* The same, and takes the greeting off. */
void raw_greeted(struct raw *raw, const char *path);
void raw_close(struct raw *raw);
void raw_send(struct raw *raw, const char *text, gsize len);
void raw_say(struct raw *raw, const char *text);
/* Runs the server until @count lines are there or, with 0, the connection has ended. */
void raw_wait(struct raw *raw, guint count);
/* Waits for a line and takes it off; free it with g_free(). */
char *raw_line(struct raw *raw);
/* The next line must contain @words. */
void raw_expect(struct raw *raw, const char *words);
