/* libnbd with deadlines; see source.h. */
#include "image/source.h"

#include "base/error.h"

#include <libnbd.h>
#include <poll.h>
#include <string.h>

/* Bytes asked for in one block status request; the server answers as much of it as it likes. */
#define STATUS_BYTES (1ULL << 30)

struct request {
	struct source *source;
	guint64 offset;
	gint64 deadline; /* monotonic, microseconds */
	source_done_fn done;
	void *opaque;
	GList link;	 /* in source->requests, in the order of the deadlines */
	gboolean *ended; /* set when it calls back; NULL once the starting call has returned */
};

struct source {
	struct nbd_handle *nbd;
	guint64 size;
	guint timeout; /* milliseconds */
	int stop_fd;
	GQueue requests; /* in flight */
	GError *failure; /* the first that a callback met */

	/* During source_extents(). */
	source_extent_fn extent_fn;
	void *extent_opaque;
	guint64 covered; /* all contexts are known up to here */
};

static void
fail(struct source *source, const char *text)
{
	if (!source->failure)
		source->failure = g_error_new(CAIRN_ERROR, CAIRN_ERROR_PEER, "%s", text);
}

/* libnbd puts the name of its own function in front, which says nothing to a person. */
static gboolean
nbd_failed(const char *what, GError **error)
{
	const char *text = nbd_get_error();
	const char *colon = text ? strstr(text, ": ") : NULL;
	if (colon && g_str_has_prefix(text, "nbd_"))
		text = colon + 2;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "%s: %s", what,
		    text ? text : "unknown error");
	return FALSE;
}

static gboolean
take_failure(struct source *source, GError **error)
{
	if (!source->failure)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&source->failure));
	return FALSE;
}

static gboolean
stopped(struct source *source, const struct pollfd *fds, GError **error)
{
	if (source->stop_fd < 0 || !fds[1].revents)
		return FALSE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_CANCELLED, "the copy was stopped");
	return TRUE;
}

/* One round of poll(2) and libnbd's state machine. */
static gboolean
turn(struct source *source, int wait, GError **error)
{
	unsigned direction = nbd_aio_get_direction(source->nbd);
	struct pollfd fds[2] = {
		{.fd = nbd_aio_get_fd(source->nbd)},
		{.fd = source->stop_fd, .events = POLLIN},
	};
	if (direction & LIBNBD_AIO_DIRECTION_READ)
		fds[0].events |= POLLIN;
	if (direction & LIBNBD_AIO_DIRECTION_WRITE)
		fds[0].events |= POLLOUT;
	if (poll(fds, 2, wait) < 0)
		return TRUE; /* EINTR: the caller comes again */
	if (stopped(source, fds, error))
		return FALSE;
	int result = 0;
	if ((fds[0].revents & (POLLIN | POLLHUP)) && (direction & LIBNBD_AIO_DIRECTION_READ))
		result = nbd_aio_notify_read(source->nbd);
	else if ((fds[0].revents & POLLOUT) && (direction & LIBNBD_AIO_DIRECTION_WRITE))
		result = nbd_aio_notify_write(source->nbd);
	else if (fds[0].revents)
		fail(source, "the connection to the NBD server broke");
	if (result < 0)
		return nbd_failed("the NBD server failed", error);
	return take_failure(source, error);
}

static int
wait_for(gint64 deadline, int wait)
{
	gint64 left = (deadline - g_get_monotonic_time()) / 1000 + 1;
	left = CLAMP(left, 0, G_MAXINT);
	return wait < 0 ? (int)left : MIN(wait, (int)left);
}

static gint64
deadline_from_now(const struct source *source)
{
	return g_get_monotonic_time() + (gint64)source->timeout * 1000;
}

static gboolean
timed_out(const struct source *source, const char *what, GError **error)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "%s: no answer for %u seconds", what,
		    source->timeout / 1000);
	return FALSE;
}

static gboolean
connect_to(struct source *source, const char *uri, GError **error)
{
	g_autofree char *what = g_strdup_printf("cannot connect to \"%s\"", uri);
	gint64 deadline = deadline_from_now(source);
	if (nbd_aio_connect_uri(source->nbd, uri) < 0)
		return nbd_failed(what, error);
	while (!nbd_aio_is_ready(source->nbd)) {
		if (nbd_aio_is_dead(source->nbd) || nbd_aio_is_closed(source->nbd))
			return nbd_failed(what, error);
		if (g_get_monotonic_time() > deadline)
			return timed_out(source, what, error);
		if (!turn(source, wait_for(deadline, -1), error)) {
			g_prefix_error(error, "%s: ", what);
			return FALSE;
		}
	}
	return TRUE;
}

struct source *
source_open(const char *uri, const char *const *contexts, guint timeout, int stop_fd,
	    GError **error)
{
	cairn_auto(source) source = g_new0(struct source, 1);
	source->timeout = timeout;
	source->stop_fd = stop_fd;
	g_queue_init(&source->requests);
	source->nbd = nbd_create();
	if (!source->nbd || nbd_set_pread_initialize(source->nbd, false) < 0)
		return nbd_failed("libnbd", error), NULL;
	for (guint i = 0; contexts && contexts[i]; i++)
		if (nbd_add_meta_context(source->nbd, contexts[i]) < 0)
			return nbd_failed(contexts[i], error), NULL;
	if (!connect_to(source, uri, error))
		return NULL;
	int64_t size = nbd_get_size(source->nbd);
	if (size < 0)
		return nbd_failed("the size of the disk", error), NULL;
	source->size = (guint64)size;
	return g_steal_pointer(&source);
}

void
source_close(struct source *source)
{
	if (!source)
		return;
	/* A server that is told does not write of a broken connection into its log. */
	if (source->nbd && nbd_aio_is_ready(source->nbd))
		(void)nbd_aio_disconnect(source->nbd, 0);
	/* Ends commands in flight without calling back. */
	nbd_close(source->nbd);
	GList *link;
	while ((link = g_queue_pop_head_link(&source->requests)))
		g_free(link->data);
	g_clear_error(&source->failure);
	g_free(source);
}

guint64
source_size(const struct source *source)
{
	return source->size;
}

gboolean
source_multi_conn(const struct source *source)
{
	return nbd_can_multi_conn(source->nbd) == 1;
}

gboolean
source_has_context(const struct source *source, const char *context)
{
	return nbd_can_meta_context(source->nbd, context) == 1;
}

guint
source_in_flight(const struct source *source)
{
	return source->requests.length;
}

static struct request *
request_new(struct source *source, guint64 offset, source_done_fn done, void *opaque)
{
	struct request *request = g_new0(struct request, 1);
	*request = (struct request){.source = source,
				    .offset = offset,
				    .deadline = deadline_from_now(source),
				    .done = done,
				    .opaque = opaque};
	request->link.data = request;
	g_queue_push_tail_link(&source->requests, &request->link);
	return request;
}

/* libnbd's completion callback; 1 retires the command. */
static int
on_complete(void *opaque, int *nbd_error)
{
	struct request *request = opaque;
	struct source *source = request->source;
	if (request->ended)
		*request->ended = TRUE;
	g_autofree char *text =
		*nbd_error == 0
			? NULL
			: g_strdup_printf("the NBD server failed at byte %" G_GUINT64_FORMAT ": %s",
					  request->offset, g_strerror(*nbd_error));
	if (text)
		fail(source, text);
	g_queue_unlink(&source->requests, &request->link);
	if (request->done)
		request->done(request->opaque, !text);
	g_free(request);
	return 1;
}

/* A connection that is dead already can make libnbd call back from within the call that starts the
 * command, and fail that call all the same: then the request is gone, and its failure is told. */
static gboolean
started(struct source *source, struct request *request, gboolean ended, int64_t cookie,
	GError **error)
{
	if (ended)
		return TRUE;
	request->ended = NULL;
	if (cookie >= 0)
		return TRUE;
	g_queue_unlink(&source->requests, &request->link);
	g_free(request);
	return nbd_failed("the NBD server failed", error);
}

gboolean
source_read(struct source *source, void *buffer, gsize len, guint64 offset, source_done_fn done,
	    void *opaque, GError **error)
{
	g_assert(len <= SOURCE_READ_MAX && offset <= source->size && len <= source->size - offset);
	gboolean ended = FALSE;
	struct request *request = request_new(source, offset, done, opaque);
	request->ended = &ended;
	nbd_completion_callback callback = {.callback = on_complete, .user_data = request};
	int64_t cookie = nbd_aio_pread(source->nbd, buffer, len, offset, callback, 0);
	return started(source, request, ended, cookie, error);
}

gboolean
source_step(struct source *source, int wait, GError **error)
{
	GList *oldest = source->requests.head;
	if (oldest) {
		struct request *request = oldest->data;
		if (g_get_monotonic_time() > request->deadline)
			return timed_out(source, "the NBD server", error);
		wait = wait_for(request->deadline, wait);
	}
	return turn(source, wait, error);
}

/* The protocol lets the last extent go beyond what was asked, and the server answer less. */
static int
on_extents(void *opaque, const char *context, uint64_t offset, uint32_t *entries, size_t n,
	   int *nbd_error)
{
	struct source *source = opaque;
	for (size_t i = 0; i + 1 < n && offset < source->size; i += 2) {
		guint64 length = MIN(entries[i], source->size - offset);
		source->extent_fn(source->extent_opaque, context, offset, length, entries[i + 1]);
		offset += length;
	}
	source->covered = MIN(source->covered, offset);
	return 0;
}

static gboolean
extents_from(struct source *source, guint64 offset, GError **error)
{
	guint64 len = MIN(STATUS_BYTES, source->size - offset);
	gboolean ended = FALSE;
	struct request *request = request_new(source, offset, NULL, NULL);
	request->ended = &ended;
	nbd_extent_callback on_extent = {.callback = on_extents, .user_data = source};
	nbd_completion_callback callback = {.callback = on_complete, .user_data = request};
	source->covered = G_MAXUINT64;
	int64_t cookie = nbd_aio_block_status(source->nbd, len, offset, on_extent, callback, 0);
	if (!started(source, request, ended, cookie, error))
		return FALSE;
	while (source_in_flight(source) > 0)
		if (!source_step(source, -1, error))
			return FALSE;
	if (source->covered > offset && source->covered <= source->size)
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER,
		    "the NBD server tells no extents at byte %" G_GUINT64_FORMAT, offset);
	return FALSE;
}

gboolean
source_extents(struct source *source, source_extent_fn fn, void *opaque, GError **error)
{
	source->extent_fn = fn;
	source->extent_opaque = opaque;
	for (guint64 offset = 0; offset < source->size; offset = source->covered)
		if (!extents_from(source, offset, error))
			return FALSE;
	return TRUE;
}
