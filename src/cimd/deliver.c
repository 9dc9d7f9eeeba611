/* libcurl's multi interface on GLib's main loop. */
#include "cimd/deliver.h"

#include "base/error.h"
#include "http/safety.h"
#include "http/url.h"

#include <curl/curl.h>
#include <glib-unix.h>
#include <string.h>

struct deliver {
	CURLM *multi;
	char **origins;	     /* "https://host:443", lower case */
	char *tls_ca;	     /* or NULL */
	guint timer;	     /* source of libcurl's time-out */
	GHashTable *watches; /* of struct watch, by descriptor */
	GHashTable *posts;   /* under way: a set */
};

struct deliver_post {
	struct deliver *deliver;
	CURL *easy;
	struct curl_slist *headers;
	GString *body, *answer;
	char failure[CURL_ERROR_SIZE];
	deliver_fn done;
	void *user_data;
};

/* What libcurl waits for on one descriptor. */
struct watch {
	guint source;
};

/* ---- the end of posts ---- */

static void
post_free(struct deliver_post *post)
{
	if (post->easy)
		curl_easy_cleanup(post->easy);
	curl_slist_free_all(post->headers);
	g_string_free(post->body, TRUE);
	g_string_free(post->answer, TRUE);
	g_free(post);
}

/* Out of libcurl's hands and ours. */
static void
post_detach(struct deliver_post *post)
{
	curl_multi_remove_handle(post->deliver->multi, post->easy);
	g_hash_table_remove(post->deliver->posts, post);
}

void
deliver_cancel(struct deliver_post *post)
{
	if (!post)
		return;
	post_detach(post);
	post_free(post);
}

static void
post_end(struct deliver_post *post, CURLcode code)
{
	g_autoptr(GError) error = NULL;
	long status = 0;
	post_detach(post);
	if (code == CURLE_OK)
		curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	else
		cairn_fail(&error, CAIRN_ERROR_PEER, "%s",
			   post->failure[0] ? post->failure : curl_easy_strerror(code));
	post->done((guint)status, post->answer, error, post->user_data);
	post_free(post);
}

/* Only from our own sources, never from within a function that a caller is in. */
static void
collect(struct deliver *deliver)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(deliver->multi, &left))) {
		struct deliver_post *post = NULL;
		CURLcode code = message->data.result;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&post);
		post_end(post, code);
	}
}

/* ---- sockets and time ---- */

static gboolean
on_socket(int fd, GIOCondition condition, gpointer data)
{
	struct deliver *deliver = data;
	int running, events = 0;
	if (condition & G_IO_IN)
		events |= CURL_CSELECT_IN;
	if (condition & G_IO_OUT)
		events |= CURL_CSELECT_OUT;
	if (condition & (G_IO_ERR | G_IO_HUP))
		events |= CURL_CSELECT_ERR | CURL_CSELECT_IN;
	curl_multi_socket_action(deliver->multi, fd, events, &running);
	collect(deliver);
	return G_SOURCE_CONTINUE;
}

static void
watch_free(gpointer data)
{
	struct watch *watch = data;
	g_source_remove(watch->source);
	g_free(watch);
}

/* CURLMOPT_SOCKETFUNCTION: what libcurl waits for on @fd. */
static int
set_watch(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
	struct deliver *deliver = data;
	g_hash_table_remove(deliver->watches, GINT_TO_POINTER(fd));
	if (what == CURL_POLL_REMOVE)
		return 0;
	GIOCondition condition = G_IO_ERR | G_IO_HUP;
	if (what & CURL_POLL_IN)
		condition |= G_IO_IN;
	if (what & CURL_POLL_OUT)
		condition |= G_IO_OUT;
	struct watch *watch = g_new0(struct watch, 1);
	watch->source = g_unix_fd_add(fd, condition, on_socket, deliver);
	g_hash_table_insert(deliver->watches, GINT_TO_POINTER(fd), watch);
	return 0;
}

static gboolean
on_timer(gpointer data)
{
	struct deliver *deliver = data;
	int running;
	deliver->timer = 0;
	curl_multi_socket_action(deliver->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(deliver);
	return G_SOURCE_REMOVE;
}

/* CURLMOPT_TIMERFUNCTION; -1: none. */
static int
set_timer(CURLM *multi, long milliseconds, void *data)
{
	struct deliver *deliver = data;
	if (deliver->timer)
		g_source_remove(deliver->timer);
	deliver->timer =
		milliseconds < 0 ? 0 : g_timeout_add((guint)milliseconds, on_timer, deliver);
	return 0;
}

/* ---- one post ---- */

static size_t
take_answer(char *data, size_t size, size_t count, void *user_data)
{
	struct deliver_post *post = user_data;
	gsize len = size * count;
	if (len > DELIVER_ANSWER_MAX - post->answer->len)
		return 0; /* libcurl ends the transfer */
	g_string_append_len(post->answer, data, (gssize)len);
	return len;
}

static void
set_request(struct deliver_post *post, const char *url, const char *const *headers)
{
	CURL *easy = post->easy;
	/* One round trip, also for bodies that libcurl would ask about first. */
	post->headers = curl_slist_append(post->headers, "Expect:");
	for (; *headers; headers++)
		post->headers = curl_slist_append(post->headers, *headers);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "cairn-cimd/" CAIRN_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body->len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body->str);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->failure);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
}

struct deliver_post *
deliver_post(struct deliver *deliver, const char *url, const char *const *headers, GString *body,
	     deliver_fn done, void *user_data)
{
	struct deliver_post *post = g_new0(struct deliver_post, 1);
	post->deliver = deliver;
	post->body = body;
	post->answer = g_string_new(NULL);
	post->done = done;
	post->user_data = user_data;
	post->easy = curl_easy_init();
	g_assert(post->easy);
	http_set_safety(post->easy, deliver->tls_ca, DELIVER_CONNECT_SECONDS, DELIVER_SECONDS);
	set_request(post, url, headers);
	g_hash_table_add(deliver->posts, post);
	/* Starts by the timer that libcurl sets: never from within here. */
	curl_multi_add_handle(deliver->multi, post->easy);
	return post;
}

/* ---- all of them ---- */

char *
deliver_allow(const struct deliver *deliver, const char *text, GError **error)
{
	struct http_url url = {0};
	char *allowed = NULL;
	if (!http_url_parse(text, &url, error))
		return NULL;
	if (g_strv_contains((const char *const *)deliver->origins, url.origin))
		allowed = http_url_text(&url);
	else
		cairn_fail(error, CAIRN_ERROR_DENIED,
			   "the configuration allows no events to be sent to %s", url.origin);
	http_url_clear(&url);
	return allowed;
}

struct deliver *
deliver_new(char *const *destinations, const char *tls_ca, GError **error)
{
	char **origins = http_url_origins(destinations, error);
	if (!origins)
		return NULL;
	struct deliver *deliver = g_new0(struct deliver, 1);
	deliver->origins = origins;
	deliver->tls_ca = tls_ca && *tls_ca ? g_strdup(tls_ca) : NULL;
	deliver->watches = g_hash_table_new_full(NULL, NULL, NULL, watch_free);
	deliver->posts = g_hash_table_new(NULL, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	deliver->multi = curl_multi_init();
	g_assert(deliver->multi);
	curl_multi_setopt(deliver->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
	curl_multi_setopt(deliver->multi, CURLMOPT_SOCKETDATA, deliver);
	curl_multi_setopt(deliver->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(deliver->multi, CURLMOPT_TIMERDATA, deliver);
	curl_multi_setopt(deliver->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
			  (long)DELIVER_CONNECTIONS_MAX);
	curl_multi_setopt(deliver->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
			  (long)DELIVER_PER_HOST_MAX);
	return deliver;
}

void
deliver_free(struct deliver *deliver)
{
	if (!deliver)
		return;
	g_autoptr(GList) posts = g_hash_table_get_keys(deliver->posts);
	for (GList *it = posts; it; it = it->next)
		deliver_cancel(it->data);
	curl_multi_cleanup(deliver->multi);
	if (deliver->timer)
		g_source_remove(deliver->timer);
	g_hash_table_unref(deliver->watches);
	g_hash_table_unref(deliver->posts);
	g_strfreev(deliver->origins);
	g_free(deliver->tls_ca);
	g_free(deliver);
}
