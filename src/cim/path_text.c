/* The text of object paths (DSP0207, WMI's spelling of it): see path.h. */
#include "cim/path.h"

#include "base/error.h"

#include <string.h>

struct reader {
	const char *text, *at, *end;
	guint depth;
};

static gboolean read_path(struct reader *reader, struct cim_path *path, GError **error);

static gboolean
expected(const struct reader *reader, const char *what, GError **error)
{
	return cairn_fail(error, CAIRN_ERROR_INVALID,
			  "object path: %s was expected at character %ld", what,
			  g_utf8_pointer_to_offset(reader->text, reader->at) + 1);
}

static gboolean
is_slash(char byte)
{
	return byte == '/' || byte == '\\';
}

static gboolean
is_name(char byte)
{
	return g_ascii_isalnum(byte) || byte == '_' || (guchar)byte >= 0x80;
}

static void
skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && g_ascii_isspace(*reader->at))
		reader->at++;
}

/* NUL at the end: no path holds one. */
static char
peek(const struct reader *reader)
{
	return reader->at < reader->end ? *reader->at : '\0';
}

static char *
read_name(struct reader *reader, const char *what, GError **error)
{
	const char *from = reader->at;
	while (is_name(peek(reader)))
		reader->at++;
	if (reader->at == from || g_ascii_isdigit(*from)) {
		reader->at = from;
		expected(reader, what, error);
		return NULL;
	}
	return g_strndup(from, (gsize)(reader->at - from));
}

/* ---- host and namespace ---- */

/* Where the ':' before the class stands, or NULL: it comes before any key. */
static const char *
find_colon(const struct reader *reader)
{
	for (const char *at = reader->at; at < reader->end; at++) {
		if (*at == ':')
			return at;
		if (*at == '=' || *at == '"' || *at == '\'')
			return NULL;
	}
	return NULL;
}

/* "\\HOST\" or "//HOST:PORT/"; more slashes are those of a text that was escaped once more. */
static gboolean
read_host(struct reader *reader, struct cim_path *path, GError **error)
{
	const char *from = reader->at;
	while (is_slash(peek(reader)))
		reader->at++;
	if (reader->at - from < 2)
		return TRUE;
	from = reader->at;
	while (reader->at < reader->end && !is_slash(*reader->at))
		reader->at++;
	if (reader->at == reader->end || reader->at == from) {
		reader->at = from;
		return expected(reader, "a host and a namespace", error);
	}
	path->host = g_strndup(from, (gsize)(reader->at - from));
	return TRUE;
}

/* Up to @colon; '/' between its parts, none at its ends. */
static gboolean
read_namespace(struct reader *reader, const char *colon, struct cim_path *path, GError **error)
{
	g_autoptr(GString) name = g_string_new(NULL);
	for (; reader->at < colon; reader->at++) {
		gboolean slash = is_slash(*reader->at);
		if (!slash && (guchar)*reader->at <= ' ')
			return expected(reader, "a namespace", error);
		if (!slash)
			g_string_append_c(name, *reader->at);
		else if (name->len && name->str[name->len - 1] != '/')
			g_string_append_c(name, '/');
	}
	if (name->len && name->str[name->len - 1] == '/')
		g_string_truncate(name, name->len - 1);
	if (name->len)
		path->namespace = g_string_free(g_steal_pointer(&name), FALSE);
	else if (path->host)
		return expected(reader, "a namespace after the host", error);
	reader->at = colon + 1;
	return TRUE;
}

/* ---- keys ---- */

static gboolean
read_quoted(struct reader *reader, GString *text, GError **error)
{
	char quote = *reader->at++;
	while (reader->at < reader->end) {
		char byte = *reader->at++;
		char after = peek(reader);
		if (byte == quote)
			return TRUE;
		/* a lone backslash stands for itself: not all clients double them */
		if (byte == '\\' && (after == '\\' || after == '"' || after == '\''))
			byte = *reader->at++;
		g_string_append_c(text, byte);
	}
	return expected(reader, "a closing quote", error);
}

/* The path in a key of an association, or NULL when the text is something else. */
static struct cim_path *
as_reference(const GString *text, guint depth)
{
	struct reader inner = {text->str, text->str, text->str + text->len, depth + 1};
	if (depth + 1 >= CIM_PATH_DEPTH || !strstr(text->str, "="))
		return NULL;
	cairn_auto(cim_path) path = g_new0(struct cim_path, 1);
	if (!read_path(&inner, path, NULL) || path->key_count == 0 || !*path->keys[0].name)
		return NULL;
	return g_steal_pointer(&path);
}

static gboolean
read_string_key(struct reader *reader, struct cim_value *ret_value, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (!read_quoted(reader, text, error))
		return FALSE;
	struct cim_path *path = as_reference(text, reader->depth);
	*ret_value = path ? cim_reference_take(path) : cim_string(text->str);
	return TRUE;
}

/* TRUE, FALSE, NULL or a number. */
static gboolean
read_word_key(struct reader *reader, struct cim_value *ret_value, GError **error)
{
	const char *from = reader->at;
	if (peek(reader) == '-' || peek(reader) == '+')
		reader->at++;
	while (is_name(peek(reader)))
		reader->at++;
	g_autofree char *word = g_strndup(from, (gsize)(reader->at - from));
	enum cim_type type = *word == '-' ? CIM_SINT64 : CIM_UINT64;
	if (g_ascii_strcasecmp(word, "NULL") == 0) {
		*ret_value = cim_null(CIM_STRING, FALSE);
		return TRUE;
	}
	if (g_ascii_isalpha(*word))
		type = CIM_BOOLEAN;
	if (*word && cim_value_parse(type, word, ret_value, NULL))
		return TRUE;
	reader->at = from;
	return expected(reader, "a quote, a number, TRUE or FALSE", error);
}

static gboolean
read_value(struct reader *reader, struct cim_value *ret_value, GError **error)
{
	skip_blanks(reader);
	if (peek(reader) == '"' || peek(reader) == '\'')
		return read_string_key(reader, ret_value, error);
	return read_word_key(reader, ret_value, error);
}

static gboolean
add_key(struct cim_path *path, const char *name, struct cim_value *value, GError **error)
{
	gboolean ok = cim_path_add_key(path, name, value, error);
	cim_value_clear(value);
	return ok;
}

/* After the class: "=..." */
static gboolean
read_only_key(struct reader *reader, struct cim_path *path, GError **error)
{
	struct cim_value value;
	skip_blanks(reader);
	if (peek(reader) == '@') {
		reader->at++;
		path->is_class = TRUE;
		return TRUE;
	}
	return read_value(reader, &value, error) && add_key(path, "", &value, error);
}

/* After the '.'. */
static gboolean
read_keys(struct reader *reader, struct cim_path *path, GError **error)
{
	for (;;) {
		struct cim_value value;
		skip_blanks(reader);
		g_autofree char *name = read_name(reader, "the name of a key", error);
		if (!name)
			return FALSE;
		skip_blanks(reader);
		if (peek(reader) != '=')
			return expected(reader, "'='", error);
		reader->at++;
		if (!read_value(reader, &value, error) || !add_key(path, name, &value, error))
			return FALSE;
		skip_blanks(reader);
		if (peek(reader) != ',')
			return TRUE;
		reader->at++;
	}
}

static gboolean
read_path(struct reader *reader, struct cim_path *path, GError **error)
{
	skip_blanks(reader);
	if (!read_host(reader, path, error))
		return FALSE;
	const char *colon = find_colon(reader);
	if (!colon && path->host)
		return expected(reader, "a namespace and ':'", error);
	if (colon && !read_namespace(reader, colon, path, error))
		return FALSE;
	path->class_name = read_name(reader, "the name of a class", error);
	if (!path->class_name)
		return FALSE;
	char after = peek(reader);
	if (after == '.' || after == '=')
		reader->at++;
	else
		path->is_class = TRUE;
	if (after == '.' && !read_keys(reader, path, error))
		return FALSE;
	if (after == '=' && !read_only_key(reader, path, error))
		return FALSE;
	skip_blanks(reader);
	return reader->at == reader->end || expected(reader, "the end", error);
}

struct cim_path *
cim_path_parse(const char *text, GError **error)
{
	gsize len = strnlen(text, CIM_PATH_TEXT_MAX + 1);
	struct reader reader = {.text = text, .at = text, .end = text + len};
	if (len > CIM_PATH_TEXT_MAX) {
		cairn_fail(error, CAIRN_ERROR_LIMIT, "an object path has at most %d bytes",
			   CIM_PATH_TEXT_MAX);
		return NULL;
	}
	if (!g_utf8_validate(text, (gssize)len, NULL)) {
		cairn_fail(error, CAIRN_ERROR_INVALID, "an object path that is not UTF-8");
		return NULL;
	}
	cairn_auto(cim_path) path = g_new0(struct cim_path, 1);
	return read_path(&reader, path, error) ? g_steal_pointer(&path) : NULL;
}

/* ---- printing ---- */

static void
append_quoted(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, '"');
}

static gboolean
is_bare(const struct cim_value *value)
{
	return value->type == CIM_BOOLEAN ||
	       (cim_type_is_number(value->type) && !cim_type_is_real(value->type));
}

/* Each quoting may double a text, and references are in references: what is too long to be parsed
 * again is cut, or eight of them make gigabytes out of a request. */
static void
cut(char *text)
{
	gsize len = strnlen(text, CIM_PATH_TEXT_MAX + 1);
	if (len <= CIM_PATH_TEXT_MAX)
		return;
	for (len = CIM_PATH_TEXT_MAX; len > 0 && (text[len] & 0xc0) == 0x80; len--)
		;
	text[len] = '\0';
}

static void
append_value(GString *out, const struct cim_value *value, char *(*print)(const struct cim_path *))
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (!value->is_set || value->is_array || value->is_embedded) {
		g_string_append(out, "NULL");
		return;
	}
	if (value->type == CIM_REFERENCE) {
		g_autofree char *path = print(value->u.path);
		cut(path);
		append_quoted(out, path);
		return;
	}
	cim_value_print(value, text);
	if (is_bare(value))
		g_string_append(out, text->str);
	else
		append_quoted(out, text->str);
}

static gint
compare_keys(gconstpointer a, gconstpointer b, gpointer data)
{
	const struct cim_key *left = *(const struct cim_key *const *)a;
	const struct cim_key *right = *(const struct cim_key *const *)b;
	return g_ascii_strcasecmp(left->name, right->name);
}

static void
append_keys(GString *out, const struct cim_path *path, char *(*print)(const struct cim_path *))
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	for (guint i = 0; i < path->key_count; i++)
		g_ptr_array_add(keys, &path->keys[i]);
	g_ptr_array_sort_with_data(keys, compare_keys, NULL);
	for (guint i = 0; i < keys->len; i++) {
		const struct cim_key *key = g_ptr_array_index(keys, i);
		if (*key->name)
			g_string_append_printf(out, "%c%s", i ? ',' : '.', key->name);
		g_string_append_c(out, '=');
		append_value(out, &key->value, print);
	}
}

char *
cim_path_print(const struct cim_path *path)
{
	g_autoptr(GString) out = g_string_new(NULL);
	if (path->namespace) {
		if (path->host)
			g_string_append_printf(out, "\\\\%s\\", path->host);
		for (const char *at = path->namespace; *at; at++)
			g_string_append_c(out, *at == '/' ? '\\' : *at);
		g_string_append_c(out, ':');
	}
	g_string_append(out, path->class_name);
	append_keys(out, path, cim_path_print);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
cim_path_print_uri(const struct cim_path *path)
{
	g_autoptr(GString) out = g_string_new("/");
	if (path->namespace) {
		if (path->host)
			g_string_append_printf(out, "/%s/", path->host);
		for (const char *at = path->namespace; *at; at++)
			g_string_append_c(out, *at == '\\' ? '/' : *at);
	}
	g_string_append_printf(out, ":%s", path->class_name);
	append_keys(out, path, cim_path_print_uri);
	return g_string_free(g_steal_pointer(&out), FALSE);
}
