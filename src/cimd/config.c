/* The front end's table of settings. */
#include "cimd/config.h"

#include "cimd/limits.h"

#include "base/error.h"
#include "http/url.h"

#include <string.h>

#define SECTION	   "cimd"
#define AT(member) G_STRUCT_OFFSET(struct cimd_config, member)

const guint cimd_builds[] = {26100, 22621, 20348, 19045, 17763, 14393, 0};

/* clang-format off */
static const struct setting keys[] = {
	{"listen", SECTION, SETTING_LIST, AT(http.listen), 0, 0,
	 "http://127.0.0.1:5985;unix:/run/cairn/cimd.sock", "URL",
	 "http://, https:// or unix:; may be repeated"},
	{"allow-http", SECTION, SETTING_SWITCH, AT(http.allow_http), 0, 0, "no", NULL,
	 "http:// beyond loopback too"},
	{"tls-cert", SECTION, SETTING_TEXT, AT(http.tls_cert), 0, 0, "", "FILE",
	 "certificate and its chain, PEM"},
	{"tls-key", SECTION, SETTING_TEXT, AT(http.tls_key), 0, 0, "", "FILE",
	 "private key of it, PEM"},
	{"tls-ca", SECTION, SETTING_TEXT, AT(http.tls_ca), 0, 0, "", "FILE",
	 "CAs of client certificates, PEM"},
	{"auth", SECTION, SETTING_WORDS, AT(auth.modes), 0, 0, "basic", "MODE",
	 "basic, negotiate, cert, none"},
	{"allow-http-basic", SECTION, SETTING_SWITCH, AT(auth.allow_http_basic), 0, 0, "no", NULL,
	 "passwords in the clear over http://"},
	{"allow-plain", SECTION, SETTING_SWITCH, AT(auth.allow_plain), 0, 0, "no", NULL,
	 "plain bodies after Negotiate on http://"},
	{"pam-service", SECTION, SETTING_TEXT, AT(auth.pam_service), 0, 0, "cairn-cimd", "NAME",
	 "file in /etc/pam.d, or a path"},
	{"none-user", SECTION, SETTING_TEXT, AT(auth.none_user), 0, 0, "", "USER",
	 "who all are with auth none; default: us"},
	{"keytab", SECTION, SETTING_TEXT, AT(auth.keytab), 0, 0, "", "FILE",
	 "keys for Kerberos; default: the system's"},
	{"map", SECTION, SETTING_LIST, AT(auth.principal_map), 0, 0, "", "NAME=USER",
	 "Kerberos or NTLM name; may be repeated"},
	{"cert-map", SECTION, SETTING_LIST, AT(auth.cert_map), 0, 0, "", "KIND:NAME=USER",
	 "certificate's name; may be repeated"},
	{"control", SECTION, SETTING_TEXT, AT(control), 0, 0, "/run/cairn/control-front.sock", "SOCKET",
	 "cairnd's socket"},
	{"user", SECTION, SETTING_TEXT, AT(user), 0, 0, "cairn-cimd", "USER",
	 "who to become when root starts it"},
	{"sandbox", SECTION, SETTING_SWITCH, AT(sandbox), 0, 0, "yes", NULL,
	 "do not filter system calls"},
	{"compat-build", SECTION, SETTING_NUMBER, AT(compat_build), 0, 99999, "26100", "N",
	 "Windows build whose classes are shown"},
	{"default-namespace", SECTION, SETTING_TEXT, AT(default_namespace), 0, 0,
	 "root/virtualization/v2", "NAME", "when a request names none"},
	{"event-destinations", SECTION, SETTING_LIST, AT(event_destinations), 0, 0, "", "URL",
	 "scheme://host:port events may go to; repeat"},
	{"max-body", SECTION, SETTING_BYTES, AT(http.max_body), 4096, HTTP_BODY_HIGHEST, "4M",
	 "BYTES", "largest request"},
	{"max-connections", SECTION, SETTING_NUMBER, AT(http.max_connections), 1, 65536, "512", "N",
	 "connections of all peers"},
	{"max-peer-connections", SECTION, SETTING_NUMBER, AT(http.max_peer_connections), 1, 65536,
	 "64", "N", "connections of one address"},
	{"header-timeout", SECTION, SETTING_SECONDS, AT(http.header_seconds), 1, HTTP_SECONDS_MAX,
	 "20", "SECONDS", "for the headers of a request"},
	{"body-timeout", SECTION, SETTING_SECONDS, AT(http.body_seconds), 1, HTTP_SECONDS_MAX, "60",
	 "SECONDS", "for its body"},
	{"idle-timeout", SECTION, SETTING_SECONDS, AT(http.idle_seconds), 1, HTTP_SECONDS_MAX, "120",
	 "SECONDS", "between two requests"},
	{0},
};
/* clang-format on */
static const char *const other_sections[] = {"daemon", "access", "export",   "jobs",
					     "point",  "notify", "recovery", NULL};
static const struct settings_program program = {
	.name = "cairn-cimd",
	.summary = "- shows cairn as Hyper-V's management classes",
	.table = keys,
	.others = other_sections,
};

static gboolean
absolute(const char *key, const char *path, GError **error)
{
	if (!*path || g_path_is_absolute(path))
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_INVALID, "%s: \"%s\" is not an absolute path", key,
			  path);
}

static gboolean
check_build(const struct cimd_config *config, GError **error)
{
	GString *known = g_string_new(NULL);
	gboolean found = FALSE;
	for (const guint *build = cimd_builds; *build; build++) {
		found = found || *build == config->compat_build;
		g_string_append_printf(known, "%s%u", known->len ? ", " : "", *build);
	}
	g_autofree char *text = g_string_free(known, FALSE);
	return found || cairn_fail(error, CAIRN_ERROR_INVALID,
				   "compat-build: %" G_GUINT64_FORMAT " is not one of %s",
				   config->compat_build, text);
}

static gboolean
check_addresses(const struct cimd_config *config, GError **error)
{
	const struct http_config *http = &config->http;
	for (char **url = http->listen; url && *url; url++)
		if (!http_listen_check(*url, http->allow_http, error))
			return FALSE;
	g_auto(GStrv) origins = http_url_origins(config->event_destinations, error);
	if (!origins)
		g_prefix_error(error, "event-destinations: ");
	return origins != NULL;
}

static gboolean
check_config(const struct cimd_config *config, GError **error)
{
	return absolute("control", config->control, error) &&
	       absolute("tls-cert", config->http.tls_cert, error) &&
	       absolute("tls-key", config->http.tls_key, error) &&
	       absolute("tls-ca", config->http.tls_ca, error) &&
	       absolute("keytab", config->auth.keytab, error) &&
	       auth_config_check(&config->auth, error) && check_addresses(config, error) &&
	       check_build(config, error);
}

struct cimd_config *
cimd_config_load(int *argc, char ***argv, GError **error)
{
	cairn_auto(cimd_config) config = g_new0(struct cimd_config, 1);
	if (!settings_load(&program, config, &config->common, argc, argv, error))
		return NULL;
	return check_config(config, error) ? g_steal_pointer(&config) : NULL;
}

void
cimd_config_free(struct cimd_config *config)
{
	if (!config)
		return;
	settings_clear(keys, config);
	g_free(config->common.file);
	g_free(config);
}

char *
cimd_config_text(const struct cimd_config *config)
{
	return settings_text(keys, config);
}
