/* The envelope of encrypted messages and the settings of cairn-cimd. */
#include "base/error.h"
#include "cimd/auth_header.h"
#include "cimd/config.h"
#include "cimd/crypt.h"

#include <glib/gstdio.h>
#include <string.h>

#define SPNEGO "application/HTTP-SPNEGO-session-encrypted"
#define B      "Encrypted Boundary"
#define HEAD                                                                          \
	"--" B "\r\n\tContent-Type: " SPNEGO "\r\n"                                   \
	"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=5\r\n--" B \
	"\r\n\tContent-Type: application/octet-stream\r\n"
#define DATA	   "\x04\x00\x00\x00SIGNhello"
#define END	   "--" B "--\r\n"
#define OUTER	   "multipart/encrypted;protocol=\"" SPNEGO "\";boundary=\"" B "\""
#define TEXT(text) text, sizeof text - 1

static const struct {
	const char *name, *outer, *body;
	gsize len;
	gboolean good;
} messages[] = {
	{"as clients write it", OUTER, TEXT(HEAD DATA END), TRUE},
	{"without tabs, as OMI", OUTER,
	 TEXT("--" B "\r\nContent-Type: " SPNEGO "\r\nOriginalContent: type=application/soap+xml;"
	      "charset=UTF-8;Length=5\r\n--" B "\r\nContent-Type: application/octet-stream\r\n" DATA
	      "--" B "--\r\n\r\n"),
	 TRUE},
	{"with a space, as Exchange", OUTER,
	 TEXT("-- " B "\r\n\tContent-Type: " SPNEGO
	      "\r\n\tOriginalContent: type=application/soap+xml;"
	      "charset=UTF-8;Length=5\r\n-- " B
	      "\r\n\tContent-Type: application/octet-stream\r\n" DATA "-- " B "--\r\n"),
	 TRUE},
	{"no line end at the end", OUTER, TEXT(HEAD DATA "--" B "--"), TRUE},
	{"boundary without quotes", "Multipart/Encrypted; protocol=" SPNEGO "; boundary=X",
	 TEXT("--X\r\ncontent-type:" SPNEGO "\r\noriginalcontent:type=application/soap+xml;"
	      "charset=UTF-8; Length=5\r\n--X\r\ncontent-type:application/octet-stream\r\n" DATA
	      "--X--\r\n"),
	 TRUE},
	{"a boundary in the text", OUTER,
	 TEXT("--" B "\r\n\tContent-Type: " SPNEGO
	      "\r\n\tOriginalContent: type=application/soap+xml;"
	      "charset=UTF-8;Length=31\r\n--" B "\r\n\tContent-Type: application/octet-stream\r\n"
	      "\x04\x00\x00\x00SIGN\r\n--Encrypted Boundary--\r\nhello" END),
	 TRUE},
	{"empty", OUTER, TEXT(""), FALSE},
	{"no end", OUTER, TEXT(HEAD DATA), FALSE},
	{"end of another", OUTER, TEXT(HEAD DATA "--Other--\r\n"), FALSE},
	{"not announced", "application/soap+xml", TEXT(HEAD DATA END), FALSE},
	{"no boundary announced", "multipart/encrypted;protocol=\"" SPNEGO "\"",
	 TEXT(HEAD DATA END), FALSE},
	{"another protocol", "multipart/encrypted;protocol=\"x\";boundary=\"" B "\"",
	 TEXT(HEAD DATA END), FALSE},
	{"signature too long", OUTER, TEXT(HEAD "\xff\xff\xff\xffSIGNhello" END), FALSE},
	{"signature over the end", OUTER, TEXT(HEAD "\x0a\x00\x00\x00SIGNhello" END), FALSE},
	{"no signature", OUTER, TEXT(HEAD "\x00\x00\x00\x00SIGNhello" END), FALSE},
	{"no length word", OUTER, TEXT(HEAD "\x04" END), FALSE},
	{"longer than it is", OUTER,
	 TEXT("--" B "\r\n\tContent-Type: " SPNEGO
	      "\r\n\tOriginalContent: type=x;Length=4000\r\n--" B
	      "\r\n\tContent-Type: application/octet-stream\r\n" DATA END),
	 FALSE},
	{"no length", OUTER,
	 TEXT("--" B "\r\n\tContent-Type: " SPNEGO "\r\n\tOriginalContent: type=x\r\n--" B
	      "\r\n\tContent-Type: application/octet-stream\r\n" DATA END),
	 FALSE},
	{"negative length", OUTER,
	 TEXT("--" B "\r\n\tContent-Type: " SPNEGO "\r\n\tOriginalContent: type=x;Length=-5\r\n--" B
	      "\r\n\tContent-Type: application/octet-stream\r\n" DATA END),
	 FALSE},
};

static void
test_read(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(messages); i++) {
		struct crypt_message message = {0};
		g_autoptr(GError) error = NULL;
		g_autoptr(GBytes) body = g_bytes_new(messages[i].body, messages[i].len);
		g_test_message("%s", messages[i].name);
		if (!crypt_parse(messages[i].outer, SPNEGO, body, &message, &error)) {
			g_assert_false(messages[i].good);
			g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
			continue;
		}
		g_assert_true(messages[i].good);
		g_assert_cmpmem(message.signature, message.signature_len, "SIGN", 4);
		g_assert_cmpuint(message.data_len, >=, message.length);
		g_assert_cmpmem(message.data + message.data_len - 5, 5, "hello", 5);
		g_assert_cmpstr(message.content_type, ==, "application/soap+xml;charset=UTF-8");
		crypt_message_clear(&message);
	}
}

static void
test_write(void)
{
	g_autoptr(GBytes) signature = g_bytes_new_static("SIGN", 4);
	g_autoptr(GBytes) data = g_bytes_new_static("hello", 5);
	g_autoptr(GBytes) out =
		crypt_write(SPNEGO, "application/soap+xml;charset=UTF-8", 5, signature, data, TRUE);
	gsize len;
	const void *bytes = g_bytes_get_data(out, &len);
	g_assert_cmpmem(bytes, len, messages[0].body, messages[0].len);
	g_autofree char *outer = crypt_content_type(SPNEGO);
	g_assert_cmpstr(outer, ==, OUTER);
}

/* ---- settings ---- */

static char *empty_file;

static struct cimd_config *
load(GError **error, const char *const *arguments)
{
	g_autoptr(GPtrArray) args = g_ptr_array_new();
	g_ptr_array_add(args, (gpointer) "cairn-cimd");
	g_ptr_array_add(args, (gpointer) "--config");
	g_ptr_array_add(args, empty_file);
	for (; *arguments; arguments++)
		g_ptr_array_add(args, (gpointer)*arguments);
	int argc = (int)args->len;
	g_ptr_array_add(args, NULL);
	char **argv = (char **)args->pdata;
	return cimd_config_load(&argc, &argv, error);
}

static void
test_config(void)
{
	static const char *const good[] = {"--auth",
					   "basic,negotiate",
					   "--allow-http",
					   "--no-sandbox",
					   "--listen",
					   "http://127.0.0.1:0",
					   "--max-body",
					   "1M",
					   "--compat-build",
					   "14393",
					   NULL};
	static const char *const wrong[][3] = {
		{"--compat-build", "12345", NULL}, {"--control", "relative", NULL},
		{"--max-body", "1G", NULL},	   {"--header-timeout", "0", NULL},
		{"--no-such-thing", "x", NULL},
	};
	g_autoptr(GError) error = NULL;
	cairn_auto(cimd_config) config = load(&error, good);
	g_assert_no_error(error);
	g_assert_cmpuint(g_strv_length(config->auth.modes), ==, 2);
	g_assert_cmpstr(config->auth.modes[1], ==, "negotiate");
	g_assert_true(config->http.allow_http);
	g_assert_false(config->auth.allow_http_basic);
	g_assert_false(config->sandbox);
	g_assert_cmpuint(config->http.max_body, ==, 1 << 20);
	g_assert_cmpuint(g_strv_length(config->http.listen), ==, 1);
	g_assert_cmpuint(config->compat_build, ==, 14393);
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) refused = NULL;
		g_assert_null(load(&refused, wrong[i]));
		g_assert_nonnull(refused);
	}
}

static void
test_header(void)
{
	struct auth_header header = {0};
	g_assert_true(auth_header_parse("Basic YTpiOmM=", &header));
	g_assert_cmpstr(header.user, ==, "a");
	g_assert_cmpstr(header.password, ==, "b:c");
	auth_header_clear(&header);
	g_assert_true(auth_header_parse("KERBEROS  AAEC", &header));
	g_assert_cmpint(header.scheme, ==, SCHEME_KERBEROS);
	g_assert_cmpmem(header.token, header.token_len, "\0\1\2", 3);
	auth_header_clear(&header);
	g_autofree char *fill = g_strnfill(70000, 'A');
	g_autofree char *large = g_strconcat("Negotiate ", fill, NULL);
	g_assert_false(auth_header_parse(large, &header));
	large[10 + 65536] = '\0';
	g_assert_true(auth_header_parse(large, &header));
	auth_header_clear(&header);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	int fd = g_file_open_tmp("cairn-cimd-XXXXXX", &empty_file, NULL);
	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_test_add_func("/cimd_crypt/read", test_read);
	g_test_add_func("/cimd_crypt/write", test_write);
	g_test_add_func("/cimd_crypt/config", test_config);
	g_test_add_func("/cimd_crypt/header", test_header);
	int result = g_test_run();
	g_unlink(empty_file);
	g_free(empty_file);
	return result;
}
