/* The envelope of encrypted messages, read by lengths: encrypted bytes may look like a boundary. */
#include "cimd/crypt.h"

#include "base/error.h"

#include <string.h>

#define BOUNDARY     "Encrypted Boundary"
#define BOUNDARY_MAX 70 /* RFC 2046 section 5.1.1 */
#define HEADER_LINES 16 /* of one part */
#define LENGTH_MAX   (1ull << 32)
#define PADDING_MAX  16 /* bytes that a cipher may add, which some clients count */

/* ---- parameters of header values ---- */

gboolean
crypt_is_sealed(const char *content_type)
{
	static const char type[] = "multipart/encrypted";
	if (!content_type || g_ascii_strncasecmp(content_type, type, sizeof type - 1) != 0)
		return FALSE;
	char next = content_type[sizeof type - 1];
	return next == '\0' || next == ';' || next == ' ' || next == '\t';
}

/* The value of `; name=value` or `; name="value"`, or NULL; free with g_free(). */
static char *
parameter(const char *text, const char *name)
{
	gsize len = strlen(name);
	for (const char *at = strchr(text, ';'); at; at = strchr(at, ';')) {
		for (at++; *at == ' ' || *at == '\t'; at++)
			;
		if (g_ascii_strncasecmp(at, name, len) != 0 || at[len] != '=')
			continue;
		at += len + 1;
		if (*at != '"')
			return g_strndup(at, strcspn(at, "; \t"));
		const char *end = strchr(at + 1, '"');
		return end ? g_strndup(at + 1, (gsize)(end - at - 1)) : NULL;
	}
	return NULL;
}

/* ---- reading ---- */

struct reader {
	const char *at, *end;
};

/* The next line without its CRLF; NULL at the end or when it is not a line. */
static char *
read_line(struct reader *reader)
{
	const char *cr = memchr(reader->at, '\r', (gsize)(reader->end - reader->at));
	if (!cr || cr + 1 >= reader->end || cr[1] != '\n' ||
	    memchr(reader->at, '\0', (gsize)(cr - reader->at)))
		return NULL;
	char *line = g_strndup(reader->at, (gsize)(cr - reader->at));
	reader->at = cr + 2;
	return line;
}

/* "--BOUNDARY", or "-- BOUNDARY" as Exchange's type of peer writes. */
static gboolean
is_boundary(const char *line, const char *boundary)
{
	if (!g_str_has_prefix(line, "--"))
		return FALSE;
	line += 2;
	return strcmp(line + (*line == ' '), boundary) == 0;
}

static gboolean
read_boundary(struct reader *reader, const char *boundary)
{
	g_autofree char *line = read_line(reader);
	return line && is_boundary(line, boundary);
}

/* The value when @line is the header @name, else NULL; borrowed. */
static const char *
header_value(const char *line, const char *name)
{
	gsize len = strlen(name);
	line += strspn(line, " \t");
	if (g_ascii_strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	return line + len + 1 + strspn(line + len + 1, " \t");
}

/* "type=application/soap+xml;charset=UTF-8;Length=1273": the type keeps its parameters. */
static gboolean
read_original(const char *value, struct crypt_message *message)
{
	g_autofree char *padded = g_strconcat(";", value, NULL);
	g_autofree char *length = parameter(padded, "Length");
	if (!length || g_ascii_strncasecmp(value, "type=", 5) != 0 ||
	    !g_ascii_string_to_unsigned(length, 10, 0, LENGTH_MAX, &message->length, NULL))
		return FALSE;
	g_auto(GStrv) parts = g_strsplit(value + 5, ";", -1);
	GString *type = g_string_new(NULL);
	for (char **part = parts; *part; part++)
		if (g_ascii_strncasecmp(g_strstrip(*part), "Length=", 7) != 0)
			g_string_append_printf(type, "%s%s", type->len ? ";" : "", *part);
	g_free(message->content_type);
	message->content_type = g_string_free(type, FALSE);
	return TRUE;
}

/* The first part: which protocol, and what is inside. It ends with the second boundary. */
static gboolean
read_first(struct reader *reader, const char *boundary, const char *protocol,
	   struct crypt_message *message)
{
	gboolean right = FALSE, original = FALSE;
	for (guint i = 0; i < HEADER_LINES; i++) {
		g_autofree char *line = read_line(reader);
		if (!line)
			return FALSE;
		if (is_boundary(line, boundary))
			return right && original;
		message->tabs = message->tabs || *line == '\t';
		const char *type = header_value(line, "Content-Type");
		const char *content = header_value(line, "OriginalContent");
		if (type)
			right = g_ascii_strcasecmp(type, protocol) == 0;
		if (content && !(original = read_original(content, message)))
			return FALSE;
	}
	return FALSE;
}

static gboolean
read_second(struct reader *reader)
{
	g_autofree char *line = read_line(reader);
	const char *type = line ? header_value(line, "Content-Type") : NULL;
	return type && g_ascii_strcasecmp(type, "application/octet-stream") == 0;
}

/* The closing boundary stands at the very end, with one CRLF, two, or none: found from behind. */
static gboolean
cut_end(struct reader *reader, const char *boundary)
{
	const char *end = reader->end;
	for (guint i = 0; i < 2 && end - reader->at >= 2 && memcmp(end - 2, "\r\n", 2) == 0; i++)
		end -= 2;
	g_autofree char *closing[] = {g_strdup_printf("-- %s--", boundary)};
	gsize len = strlen(closing[0]);
	if ((gsize)(end - reader->at) >= len && memcmp(end - len, closing[0], len) == 0) {
		reader->end = end - len;
		return TRUE;
	}
	len--;
	if ((gsize)(end - reader->at) < len || memcmp(end - len, "--", 2) != 0 ||
	    memcmp(end - len + 2, closing[0] + 3, len - 2) != 0)
		return FALSE;
	reader->end = end - len;
	return TRUE;
}

static gboolean
read_data(struct reader *reader, struct crypt_message *message)
{
	gsize left = (gsize)(reader->end - reader->at);
	guint32 len;
	if (left < sizeof len)
		return FALSE;
	memcpy(&len, reader->at, sizeof len);
	len = GUINT32_FROM_LE(len);
	left -= sizeof len;
	if (len == 0 || len > CRYPT_SIGNATURE_MAX || len > left)
		return FALSE;
	message->signature = (const guint8 *)reader->at + sizeof len;
	message->signature_len = len;
	message->data = message->signature + len;
	message->data_len = left - len;
	/* A cipher may add to the text, and cannot hide that it is longer than the message. */
	return message->length <= message->data_len + PADDING_MAX;
}

gboolean
crypt_parse(const char *content_type, const char *protocol, GBytes *body,
	    struct crypt_message *ret_message, GError **error)
{
	struct crypt_message message = {0};
	gsize len;
	const char *data = g_bytes_get_data(body, &len);
	struct reader reader = {data, data + len};
	g_autofree char *boundary = parameter(content_type, "boundary");
	g_autofree char *announced = parameter(content_type, "protocol");
	const char *wrong = NULL;
	if (!crypt_is_sealed(content_type) || !boundary || !*boundary ||
	    strlen(boundary) > BOUNDARY_MAX)
		wrong = "no boundary";
	else if (!announced || g_ascii_strcasecmp(announced, protocol) != 0)
		wrong = "another protocol than was agreed on";
	else if (len == 0 || !read_boundary(&reader, boundary) ||
		 !read_first(&reader, boundary, protocol, &message))
		wrong = "the first part";
	else if (!read_second(&reader) || !cut_end(&reader, boundary) ||
		 !read_data(&reader, &message))
		wrong = "the second part";
	if (!wrong) {
		*ret_message = message;
		return TRUE;
	}
	crypt_message_clear(&message);
	return cairn_fail(error, CAIRN_ERROR_INVALID, "not an encrypted message: %s", wrong);
}

void
crypt_message_clear(struct crypt_message *message)
{
	g_clear_pointer(&message->content_type, g_free);
}

gboolean
crypt_check_length(const struct crypt_message *message, GBytes *plain, GError **error)
{
	gsize len = g_bytes_get_size(plain);
	if (message->length >= len && message->length - len <= PADDING_MAX)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_INVALID,
			  "an encrypted message of %" G_GSIZE_FORMAT
			  " bytes says it has %" G_GUINT64_FORMAT,
			  len, message->length);
}

/* ---- writing ---- */

char *
crypt_content_type(const char *protocol)
{
	return g_strdup_printf("multipart/encrypted;protocol=\"%s\";boundary=\"" BOUNDARY "\"",
			       protocol);
}

/* Clients strip exactly these bytes: no blank lines, no CRLF before the closing boundary. */
GBytes *
crypt_write(const char *protocol, const char *content_type, gsize length, GBytes *signature,
	    GBytes *data, gboolean tabs)
{
	const char *tab = tabs ? "\t" : "";
	gsize signature_len, data_len;
	const void *signature_at = g_bytes_get_data(signature, &signature_len);
	const void *data_at = g_bytes_get_data(data, &data_len);
	guint32 word = GUINT32_TO_LE((guint32)signature_len);
	GByteArray *out = g_byte_array_sized_new((guint)(signature_len + data_len) + 512);
	g_autofree char *head = g_strdup_printf(
		"--" BOUNDARY
		"\r\n%sContent-Type: %s\r\n%sOriginalContent: type=%s;Length=%" G_GSIZE_FORMAT
		"\r\n--" BOUNDARY "\r\n%sContent-Type: application/octet-stream\r\n",
		tab, protocol, tab, content_type ? content_type : "application/octet-stream",
		length, tab);
	g_byte_array_append(out, (const guint8 *)head, (guint)strlen(head));
	g_byte_array_append(out, (const guint8 *)&word, sizeof word);
	g_byte_array_append(out, signature_at, (guint)signature_len);
	if (data_len)
		g_byte_array_append(out, data_at, (guint)data_len);
	g_byte_array_append(out, (const guint8 *)"--" BOUNDARY "--\r\n",
			    strlen("--" BOUNDARY "--\r\n"));
	return g_byte_array_free_to_bytes(out);
}
