/* An HTTP POST of the whole object. */
#include "notify/send.h"

#include "base/error.h"
#include "base/json.h"
#include "http/safety.h"

#include <curl/curl.h>
#include <string.h>

static size_t
take_answer(char *data, size_t size, size_t count, void *user_data)
{
	gsize *taken = user_data, len = size * count;
	if (len > NOTIFY_ANSWER_MAX - *taken)
		return 0; /* libcurl ends the transfer */
	*taken += len;
	return len;
}

static gboolean
check_answer(CURL *easy, const char *url, GError **error)
{
	long status = 0;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_PEER, "%s answered with status %d%s", url, (int)status,
			  status >= 300 && status < 400 ? "; redirects are not followed" : "");
}

static gboolean
perform(CURL *easy, const char *url, const char *body, struct curl_slist *headers, GError **error)
{
	char failure[CURL_ERROR_SIZE] = "";
	gsize taken = 0;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "cairn-notify/" CAIRN_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &taken);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, failure);
	CURLcode code = curl_easy_perform(easy);
	if (code == CURLE_OK)
		return check_answer(easy, url, error);
	return cairn_fail(error, CAIRN_ERROR_PEER, "cannot post to %s: %s", url,
			  failure[0] ? failure : curl_easy_strerror(code));
}

gboolean
notify_post(const struct notify_options *options, const char *url, const json_t *payload,
	    GError **error)
{
	g_autofree char *body = cairn_json_dump(payload);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Expect:");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	CURL *easy = curl_easy_init();
	g_assert(easy);
	http_set_safety(easy, options->ca, (long)MIN(options->seconds, NOTIFY_CONNECT_SECONDS),
			(long)options->seconds);
	gboolean ok = perform(easy, url, body, headers, error);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return ok;
}
