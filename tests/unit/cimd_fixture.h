/* The front end's server in this process, with a handler that says what it saw, and a client on raw
 * sockets. Both run in one thread: waiting for an answer turns the loop. */
#pragma once

#include "cimd/auth.h"
#include "cimd/http.h"

struct fixture {
	struct http_config config;
	struct auth_config auth_config;
	struct auth_helper *helper;
	struct auth *auth;
	struct http_server *server;
	/* what the handler does instead of telling what it saw */
	void (*handler)(struct http_exchange *x, struct fixture *fixture);
	guint handled;
	GPtrArray *held; /* exchanges that a test's handler keeps */
	guint gone, freed;
};

/* Defaults: http://127.0.0.1:0 and "none". Change them, then start. */
void fixture_init(struct fixture *fixture);
void fixture_start(struct fixture *fixture);
void fixture_clear(struct fixture *fixture);

/* An answer. Header names in lower case. */
struct reply {
	guint status;	/* 0: the connection ended before a whole answer */
	char *head;	/* all of it, lower case */
	char *raw_head; /* as it came */
	GString *body;	/* of chunks, joined */
	char *trailers; /* lower case; NULL: none */
	gboolean cut;	/* in the middle of the body */
};
void reply_free(struct reply *reply);
CAIRN_DEFINE_AUTO(reply, reply_free)
/* The first value of that header, or NULL; free with g_free(). */
char *reply_header(const struct reply *reply, const char *name);
guint reply_count(const struct reply *reply, const char *line_start);

/* A connection to the i-th listener. */
int client_connect(struct fixture *fixture, guint listener);
void client_send(int fd, const void *data, gsize len);
void client_text(int fd, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A POST to /wsman with those headers ("A: b\r\n", or "") and that body. */
void client_post(int fd, const char *headers, const char *body);
/* The next answer; bytes behind it stay for the next call on @rest, which is NULL or a GString. */
struct reply *client_reply(int fd, GString *rest);
/* Reads up to @max bytes of whatever comes; fewer only at the end of the connection. */
gsize client_read(int fd, void *buffer, gsize max);
/* Whether the server has ended the connection; waits for it. */
gboolean client_ended(int fd);
/* Whether there is something to be read, or the end; does not wait. */
gboolean client_is_answered(int fd);
/* The first of them that is; waits for it. */
int client_first_answered(const int *fds, guint n);
/* Reads to the end of the connection, which must come. */
void client_drain(int fd);

/* Turns the loop until *@value is @wanted; fails the test after some seconds. */
void fixture_wait(const guint *value, guint wanted);
void fixture_wait_connections(struct fixture *fixture, guint wanted);
/* Turns the loop as long as there is something to do at once. */
void fixture_settle(void);
