/* SOAP headers of a request: one table of those that are understood. All are read before anything
 * is refused, so that the fault knows whom it answers. */
#include "wire/wsman_private.h"

#include "cim/datetime.h"

#include <string.h>

char *
wsman_word(const struct xml_node *node)
{
	return g_strstrip(g_strdup(node->text));
}

const struct xml_node *
wsman_child(const struct xml_node *node, const char *name)
{
	const struct xml_node *child = node ? node->first : NULL;
	while (child && g_ascii_strcasecmp(child->name, name) != 0)
		child = child->next;
	return child;
}

gboolean
wsman_number(const struct xml_node *node, guint64 max, guint64 *ret_number)
{
	g_autofree char *word = wsman_word(node);
	if (!*word || strspn(word, "0123456789") != strlen(word))
		return FALSE;
	const guint64 number = g_ascii_strtoull(word, NULL, 10); /* too large: G_MAXUINT64 */
	*ret_number = MIN(number, max);
	return TRUE;
}

/* ---- durations ---- */

#define WSMAN_HEADER_TEXT_MAX 4096 /* bytes */
#define DURATION_MAX_SEC      (100LL * 365 * 86400)

static const struct {
	char unit;
	gboolean in_time;
	gint64 seconds;
} units[] = {
	{'Y', FALSE, 365 * 86400},
	{'M', FALSE, 30 * 86400},
	{'W', FALSE, 7 * 86400},
	{'D', FALSE, 86400},
	{'H', TRUE, 3600},
	{'M', TRUE, 60},
	{'S', TRUE, 1},
};

static gint64
unit_seconds(char unit, gboolean in_time)
{
	for (guint i = 0; i < G_N_ELEMENTS(units); i++)
		if (units[i].unit == unit && units[i].in_time == in_time)
			return units[i].seconds;
	return 0;
}

/* Microseconds of ".25"; digits behind the sixth are dropped. Moves *@text behind them. */
static gint64
read_fraction(const char **text)
{
	gint64 usec = 0, unit = G_USEC_PER_SEC / 10;
	for ((*text)++; g_ascii_isdigit(**text); (*text)++, unit /= 10)
		usec += (**text - '0') * unit;
	return usec;
}

/* One "12.5S"; adds to *@usec. */
static gboolean
read_part(const char **text, gboolean in_time, gint64 *usec)
{
	gint64 number = 0, fraction = 0;
	if (!g_ascii_isdigit(**text))
		return FALSE;
	for (; g_ascii_isdigit(**text); (*text)++)
		number = MIN(number * 10 + (**text - '0'), DURATION_MAX_SEC);
	if (**text == '.')
		fraction = read_fraction(text);
	const gint64 seconds = unit_seconds(**text, in_time);
	if (!seconds || (fraction && seconds != 1))
		return FALSE;
	(*text)++;
	const gint64 whole = MIN(number, DURATION_MAX_SEC / seconds) * seconds;
	*usec = MIN(*usec + whole * G_USEC_PER_SEC + fraction, DURATION_MAX_SEC * G_USEC_PER_SEC);
	return TRUE;
}

gboolean
wsman_duration(const char *text, gint64 *ret_usec)
{
	gint64 usec = 0;
	gboolean in_time = FALSE, some = FALSE;
	if (*text++ != 'P')
		return FALSE;
	while (*text) {
		if (*text == 'T' && !in_time) {
			in_time = TRUE;
			text++;
			continue;
		}
		if (!read_part(&text, in_time, &usec))
			return FALSE;
		some = TRUE;
	}
	if (some)
		*ret_usec = usec;
	return some;
}

gboolean
wsman_expires(const struct xml_node *node, struct wsman_request *request, GError **error)
{
	struct cim_datetime date;
	g_autofree char *word = wsman_word(node);
	if (wsman_duration(word, &request->expires_usec) && request->expires_usec > 0)
		return TRUE;
	request->expires_usec = 0;
	if (strchr(word, ':') && cim_datetime_from_xs(word, &date, NULL) && !date.is_interval) {
		request->expires_at = date.usec;
		return TRUE;
	}
	return wsman_fail(error,
			  request->action == WSMAN_ENUMERATE ? WSMAN_FAULT_INVALID_EXPIRATION
							     : WSMAN_FAULT_EVENT_EXPIRATION,
			  "\"%s\" is no time to expire at or after", word);
}

/* ---- one function for each header that says something ---- */

static gboolean
read_action(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	g_free(reader->request->action_uri);
	reader->request->action_uri = wsman_word(node);
	return TRUE;
}

static gboolean
read_message_id(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	g_free(reader->request->message_id);
	reader->request->message_id = g_strdup(node->text);
	return TRUE;
}

static gboolean
read_to(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	g_free(reader->request->to);
	reader->request->to = wsman_word(node);
	return TRUE;
}

static gboolean
read_reply_to(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	const struct xml_node *address = wsman_child(node, "Address");
	g_autofree char *word = address ? wsman_word(address) : g_strdup("");
	reader->request->anonymous_reply = !*word || strcmp(word, WSA_ANONYMOUS) == 0;
	return reader->request->anonymous_reply
		       ? TRUE
		       : wsman_fail(error, WSMAN_FAULT_ADDRESSING_MODE,
				    "answers go back on the connection only, not to \"%s\"", word);
}

static gboolean
read_resource_uri(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	char *word = wsman_word(node);
	for (gsize len = strlen(word); len && word[len - 1] == '/'; len--)
		word[len - 1] = '\0';
	g_free(reader->request->resource_uri);
	reader->request->resource_uri = word;
	return TRUE;
}

static gboolean
read_selector_set(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	reader->selectors = node;
	return TRUE;
}

static gboolean
read_max_envelope(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	guint64 size = 0;
	const char *policy = xml_attr(node, "Policy");
	if (!wsman_number(node, WSMAN_ENVELOPE_MAX, &size))
		return wsman_fail(error, WSMAN_FAULT_INVALID_HEADER,
				  "MaxEnvelopeSize is no number of bytes: \"%s\"", node->text);
	if (size < WSMAN_ENVELOPE_MIN)
		return wsman_fail(error, WSMAN_FAULT_ENCODING_LIMIT_MIN,
				  "MaxEnvelopeSize is below %d bytes", WSMAN_ENVELOPE_MIN);
	reader->request->max_envelope = size;
	reader->request->skip_oversized = g_strcmp0(policy, "Skip") == 0;
	return TRUE;
}

static gboolean
read_timeout(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	gint64 usec = 0;
	g_autofree char *word = wsman_word(node);
	if (!wsman_duration(word, &usec) || usec <= 0)
		return wsman_fail(error, WSMAN_FAULT_INVALID_TIMEOUT,
				  "OperationTimeout is no duration above 0: \"%s\"", word);
	reader->request->timeout_usec = usec;
	return TRUE;
}

static gboolean
is_mandatory(const struct xml_node *node)
{
	const char *value = xml_attr(node, "mustUnderstand");
	return value && (strcmp(value, "1") == 0 || g_ascii_strcasecmp(value, "true") == 0);
}

static gboolean
is_offered(const char *locale)
{
	for (enum cim_language language = 0; language < CIM_LANG_LAST; language++)
		if (g_ascii_strncasecmp(cim_language_tag(language), locale, 2) == 0)
			return TRUE;
	return FALSE;
}

/* DataLocale is about data: it wins over Locale wherever it stands. */
static void
take_locale(struct wsman_reader *reader, const char *locale, gboolean is_data)
{
	if (!locale || !*locale || (reader->has_data_locale && !is_data))
		return;
	g_free(reader->request->locale);
	reader->request->locale = g_strdup(locale);
	reader->request->op.language = cim_language_find(locale);
	reader->has_data_locale = is_data;
}

static gboolean
read_locale(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	const char *locale = xml_attr(node, "lang");
	if (locale && *locale && is_mandatory(node) && !is_offered(locale))
		return wsman_fail(error, WSMAN_FAULT_LOCALE, "there are no texts in \"%s\"",
				  locale);
	take_locale(reader, locale, FALSE);
	return TRUE;
}

static gboolean
read_data_locale(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	take_locale(reader, xml_attr(node, "lang"), TRUE);
	return TRUE;
}

static gboolean
read_total(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	reader->request->wants_total = TRUE;
	return TRUE;
}

static gboolean
read_fragment_header(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	reader->fragment = node;
	return TRUE;
}

static gboolean
read_identifier(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	g_free(reader->request->identifier);
	reader->request->identifier = wsman_word(node);
	return TRUE;
}

/* ---- options ---- */

static const char *const known_options[] = {
	"__MIInstanceModifiedPropertiesList",
	"__MI_CallbackRegistration",
	"__MI_OPERATIONOPTIONS_CHANNELVALUE",
	"__MI_OPERATIONOPTIONS_WRITEERRORMODE",
	"UsePreciseArrays",
	"includepropertymetadata",
	"IncludeInheritanceHierarchy",
	"IncludeInheritedElements",
	"IncludeQualifiers",
	"IncludeClassOrigin",
	"ShowExtensions",
	"IncludeResultProperty",
};

/* Prefixes in option names ("wmiarray:") are plain text and declared nowhere. */
static const char *
bare_name(const struct xml_node *option)
{
	const char *name = xml_attr(option, "Name");
	const char *colon = name ? strrchr(name, ':') : NULL;
	return colon ? colon + 1 : name ? name : "";
}

static gboolean
is_known(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(known_options); i++)
		if (g_ascii_strcasecmp(known_options[i], name) == 0)
			return TRUE;
	return FALSE;
}

static gboolean
read_option_set(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	guint count = 0;
	reader->options = node;
	for (const struct xml_node *option = node->first; option; option = option->next) {
		const char *must = xml_attr(option, "MustComply");
		if (++count > WSMAN_OPTIONS_MAX)
			return wsman_fail(error, WSMAN_FAULT_INVALID_OPTIONS,
					  "there are more than %d options", WSMAN_OPTIONS_MAX);
		if (must && (g_ascii_strcasecmp(must, "true") == 0 || strcmp(must, "1") == 0) &&
		    !is_known(bare_name(option)))
			return wsman_fail(error, WSMAN_FAULT_INVALID_OPTIONS,
					  "the option \"%s\" is unknown", bare_name(option));
	}
	return TRUE;
}

static gboolean
is_true(const char *text)
{
	g_autofree char *word = g_strstrip(g_strdup(text));
	return !*word || g_ascii_strcasecmp(word, "true") == 0 || strcmp(word, "1") == 0;
}

gboolean
wsman_option_true(const struct wsman_reader *reader, const char *name, gboolean absent)
{
	const struct xml_node *option = reader->options ? reader->options->first : NULL;
	for (; option; option = option->next)
		if (g_ascii_strcasecmp(bare_name(option), name) == 0)
			return is_true(option->text);
	return absent;
}

char **
wsman_option_list(const struct wsman_reader *reader, const char *name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const struct xml_node *option = reader->options ? reader->options->first : NULL;
	for (; option; option = option->next)
		if (g_ascii_strcasecmp(bare_name(option), name) == 0)
			g_ptr_array_add(names, wsman_word(option));
	if (!names->len)
		return NULL;
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* ---- the table ---- */

/* Those without a function are understood and not needed. */
static const struct {
	const char *ns, *name;
	gboolean (*read)(struct wsman_reader *reader, const struct xml_node *node, GError **error);
} headers[] = {
	{NS_WSA, "Action", read_action},
	{NS_WSA, "MessageID", read_message_id},
	{NS_WSA, "To", read_to},
	{NS_WSA, "ReplyTo", read_reply_to},
	{NS_WSA, "FaultTo", NULL},
	{NS_WSA, "From", NULL},
	{NS_WSA, "RelatesTo", NULL},
	{NS_WSMAN, "ResourceURI", read_resource_uri},
	{NS_WSMAN, "SelectorSet", read_selector_set},
	{NS_WSMAN, "OptionSet", read_option_set},
	{NS_WSMAN, "MaxEnvelopeSize", read_max_envelope},
	{NS_WSMAN, "OperationTimeout", read_timeout},
	{NS_WSMAN, "Locale", read_locale},
	{NS_WSMAN, "FragmentTransfer", read_fragment_header},
	{NS_WSMAN, "RequestTotalItemsCountEstimate", read_total},
	{NS_WSE, "Identifier", read_identifier},
	{NS_MSFT, "DataLocale", read_data_locale},
	{NS_MSFT, "SessionId", NULL},
	{NS_MSFT, "OperationID", NULL},
	{NS_MSFT, "SequenceId", NULL},
	{NS_MSFT, "ActivityId", NULL},
};

/* Most are kept, and some come back in the answer. */
static gboolean
check_text(const struct xml_node *node, GError **error)
{
	if (strlen(node->text) <= WSMAN_HEADER_TEXT_MAX &&
	    (!node->ns || strlen(node->ns) <= WSMAN_HEADER_TEXT_MAX))
		return TRUE;
	return wsman_fail(error, WSMAN_FAULT_INVALID_HEADER,
			  "the header \"%s\" is longer than %d bytes", node->name,
			  WSMAN_HEADER_TEXT_MAX);
}

static gboolean
read_one(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(headers); i++) {
		if (strcmp(headers[i].name, node->name) != 0 ||
		    g_strcmp0(headers[i].ns, node->ns) != 0)
			continue;
		return headers[i].read ? headers[i].read(reader, node, error) : TRUE;
	}
	if (!is_mandatory(node))
		return TRUE;
	g_free(reader->request->not_understood);
	g_free(reader->request->not_understood_ns);
	reader->request->not_understood = g_strdup(node->name);
	reader->request->not_understood_ns = g_strdup(node->ns);
	return wsman_fail(error, WSMAN_FAULT_MUST_UNDERSTAND,
			  "the mandatory header \"%s\" is not known", node->name);
}

gboolean
wsman_read_header(struct wsman_reader *reader, const struct xml_node *header, GError **error)
{
	const struct xml_node *node = header ? header->first : NULL;
	for (; node; node = node->next) {
		g_autoptr(GError) wrong = NULL;
		if (!(check_text(node, &wrong) && read_one(reader, node, &wrong)) && !reader->error)
			reader->error = g_steal_pointer(&wrong);
	}
	if (!reader->error)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&reader->error));
	return FALSE;
}
