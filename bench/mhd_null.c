/* What libmicrohttpd can do at most: answers of a given size without any thought, in one thread as
 * cairn-cimd has one. `mhd_null` prints its port and ends with its standard input.
 *
 *   POST /SIZE          SIZE bytes in one piece
 *   POST /chunked/SIZE  the same in chunks, as a long list is sent */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (1u << 30)
#define BLOCK	       (64u << 10)

static char block[BLOCK];

static ssize_t
read_block(void *size, uint64_t at, char *buffer, size_t max)
{
	const uint64_t left = (uint64_t)(uintptr_t)size - at;
	if (left == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (max > left)
		max = (size_t)left;
	if (max > BLOCK)
		max = BLOCK;
	memcpy(buffer, block, max);
	return (ssize_t)max;
}

static struct MHD_Response *
make_response(const char *url)
{
	static const char chunked[] = "/chunked/";
	const int in_chunks = strncmp(url, chunked, sizeof chunked - 1) == 0;
	const uintptr_t size = strtoul(url + (in_chunks ? sizeof chunked - 1 : 1), NULL, 10);
	if (size > SIZE_MAX_BYTES || (!in_chunks && size > BLOCK))
		return NULL;
	if (!in_chunks)
		return MHD_create_response_from_buffer(size, block, MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_block, (void *)size,
						 NULL);
}

static enum MHD_Result
access_handler(void *user, struct MHD_Connection *connection, const char *url, const char *method,
	       const char *version, const char *upload, size_t *upload_size, void **context)
{
	static int seen;
	struct MHD_Response *response;
	enum MHD_Result result;
	if (!*context) {
		*context = &seen;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	response = make_response(url);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "application/xml; charset=\"utf-8\"");
	result = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

int
main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Daemon *daemon;
	char end;
	memset(block, 'x', sizeof block);
	daemon =
		MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, access_handler, NULL,
				 MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				 (size_t)(112 << 10), MHD_OPTION_END);
	if (!daemon) {
		fputs("mhd_null: cannot start\n", stderr);
		return 1;
	}
	printf("%u\n", (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	MHD_stop_daemon(daemon);
	return 0;
}
