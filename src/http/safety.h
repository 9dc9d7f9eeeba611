/* What every request of ours over libcurl has in common. */
#pragma once

#include <curl/curl.h>

/* Whoever is asked gets what we say and nothing of this machine: no proxies of the environment, no
 * .netrc, no other protocols; redirects are not followed, as they may lead anywhere. Certificate
 * and name are verified, which libcurl does by default and is said all the same. @ca: file with the
 * certificates to believe; NULL: the system's. */
void http_set_safety(CURL *easy, const char *ca, long connect_seconds, long seconds);
