/* The limits on what comes over the network, by name. What a limit is for stands beside it; the
 * protocols' own limits (XML depth, contexts, ...) are with their code. */
#pragma once

/* ---- connections ---- */
#define HTTP_CONNECTIONS_MAX	  512 /* of all peers; max-connections */
#define HTTP_PEER_CONNECTIONS_MAX 64  /* of one address, or of one user on a Unix socket */
#define HTTP_BACKLOG		  256

/* ---- time, seconds ---- */
#define HTTP_HEADER_SECONDS                                                       \
	20 /* from the connection, or the end of the last answer's idling, to the \
	    * last header */
#define HTTP_BODY_SECONDS 60  /* from the last header to the last byte of the body */
#define HTTP_IDLE_SECONDS 120 /* between two requests, and without a byte taken of an answer */
#define HTTP_SECONDS_MAX  3600

/* ---- one request ---- */
/* A Kerberos ticket with a Windows PAC is up to 48,000 bytes (MaxTokenSize), 64 KiB in base64; the
 * connection's memory holds it beside all else. */
#define HTTP_CONNECTION_MEMORY (112 << 10)
#define HTTP_HEADERS_MAX       100
#define HTTP_URL_MAX	       2048
#define HTTP_BODY_MAX	       (4 << 20)  /* default of max-body */
#define HTTP_BODY_HIGHEST      (64 << 20) /* what max-body may be set to */
/* Bodies of all requests under way: anybody can begin one, and most have proved nothing yet. */
#define HTTP_BODIES_MAX (256 << 20)
/* An answer that is encrypted as a whole is gathered up to this. */
#define HTTP_SEAL_MAX (32 << 20)

/* ---- authentication ---- */
#define AUTH_TOKEN_MAX	       (64 << 10) /* bytes of base64 */
#define AUTH_LEGS_MAX	       4
#define AUTH_HANDSHAKE_SECONDS 30
#define AUTH_USER_MAX	       256  /* bytes of a user name */
#define AUTH_PASSWORD_MAX      1024 /* bytes */
#define AUTH_CACHE_SECONDS     60   /* how long a password that was right is remembered */
#define AUTH_CACHE_MAX	       64   /* passwords remembered */
#define AUTH_HELPER_MAX	       8    /* passwords checked at once */
#define AUTH_WAITING_MAX       64   /* requests that wait for a check */
/* of these, such that wait because their peer was wrong before: who is wrong on purpose must not
 * take the places of all others */
#define AUTH_WAITING_PEER_MAX 8
/* A wrong password delays its peer's next answer: 0.25 s, doubled each time, at most 8 s. */
#define AUTH_DELAY_FIRST_MS   250
#define AUTH_DELAY_MAX_MS     8000
#define AUTH_DELAY_LONGEST_MS 30000 /* a try that would have to wait longer is refused at once */
#define AUTH_DELAY_SECONDS    300   /* after which a peer's failures are forgotten */
#define AUTH_DELAY_PEERS      1024
#define AUTH_MAP_MAX	      4096 /* lines of a table of names */

/* ---- requests that are kept when they are answered ---- */
/* bytes of a body; a user may have 256 open enumerations, and 32 subscriptions, whose queries are
 * asked at each change */
#define KEPT_ENUMERATION_MAX  (256 << 10)
#define KEPT_SUBSCRIPTION_MAX (32 << 10)
