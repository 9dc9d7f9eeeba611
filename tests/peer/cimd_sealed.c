/* Asks a cairn-cimd for Identify with encrypted messages: cimd_sealed URL. Kerberos, from the
 * ticket in the environment, wrapped in SPNEGO and bare. */
#include "cimd_gss.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDENTIFY                                                           \
	"<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" " \
	"xmlns:wsmid=\"http://schemas.dmtf.org/wbem/wsman/identity/1/"     \
	"wsmanidentity.xsd\"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>"

static int
connect_to(const char *url)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((guint16)atoi(strrchr(url, ':') + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
ask(const char *url, enum gss_kind kind, const char *name)
{
	cairn_auto(gss_client) client = gss_client_new(kind, NULL, NULL);
	g_assert_nonnull(client);
	int fd = connect_to(url);
	cairn_auto(reply) last = gss_client_login(client, fd);
	g_assert_cmpuint(last->status, ==, 200);
	for (guint i = 0; i < 3; i++) {
		gss_client_post(client, fd, IDENTIFY, i % 2);
		cairn_auto(reply) reply = client_reply(fd, NULL);
		g_assert_cmpuint(reply->status, ==, 200);
		g_autofree char *text = gss_client_open(client, reply);
		g_assert_nonnull(strstr(text, "IdentifyResponse"));
	}
	close(fd);
	g_print("ok - %s with encrypted messages\n", name);
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	ask(argv[1], GSS_KERBEROS, "SPNEGO");
	ask(argv[1], GSS_KERBEROS_RAW, "Kerberos");
	return 0;
}
