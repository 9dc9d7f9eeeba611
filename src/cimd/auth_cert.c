/* Client certificates: what the TLS layer asked for and got, whether our CA signed it for this
 * purpose, and which local user it stands for. */
#include "cimd/auth_private.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define NAME_MAX_LEN 512
#define NAMES_MAX    32 /* alternative names looked at */

static const struct {
	gnutls_x509_subject_alt_name_t type;
	const char *kind;
} kinds[] = {
	{GNUTLS_SAN_DNSNAME, "dns"},
	{GNUTLS_SAN_RFC822NAME, "email"},
	{GNUTLS_SAN_URI, "uri"},
	{GNUTLS_SAN_OTHERNAME_MSUSERPRINCIPAL, "upn"},
};

static const char *
find(const struct auth_map *map, const char *kind, const char *name, gsize len)
{
	/* A NUL in a name is an old trick. */
	if (memchr(name, '\0', len))
		return NULL;
	g_autofree char *key = g_strdup_printf("%s:%.*s", kind, (int)len, name);
	return auth_map_find(map, key);
}

static const char *
find_common_name(const struct auth_map *map, gnutls_x509_crt_t cert)
{
	char name[NAME_MAX_LEN];
	gsize len = sizeof name;
	if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) < 0)
		return NULL;
	return find(map, "cn", name, len);
}

static const char *
find_alternative(const struct auth_map *map, gnutls_x509_crt_t cert)
{
	const char *user = NULL;
	for (guint i = 0; !user && i < NAMES_MAX; i++) {
		char name[NAME_MAX_LEN];
		gsize len = sizeof name;
		int type = gnutls_x509_crt_get_subject_alt_name(cert, i, name, &len, NULL);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		for (guint k = 0; type >= 0 && k < G_N_ELEMENTS(kinds); k++)
			if (kinds[k].type == (gnutls_x509_subject_alt_name_t)type)
				user = find(map, kinds[k].kind, name, len);
	}
	return user;
}

static gboolean
is_trusted(gnutls_session_t tls)
{
	unsigned int status;
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
					 .data = (guint8 *)GNUTLS_KP_TLS_WWW_CLIENT};
	return gnutls_certificate_verify_peers(tls, &purpose, 1, &status) == 0 && status == 0;
}

char *
auth_cert_user(const struct auth_map *map, gpointer tls_session, const char *peer)
{
	unsigned int count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(tls_session, &count);
	gnutls_x509_crt_t cert;
	if (!chain || count == 0)
		return NULL;
	if (!is_trusted(tls_session)) {
		g_message("the certificate from %s is not trusted", peer);
		return NULL;
	}
	if (gnutls_x509_crt_init(&cert) < 0)
		return NULL;
	const char *user = NULL;
	if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) == 0) {
		user = find_alternative(map, cert);
		if (!user)
			user = find_common_name(map, cert);
	}
	gnutls_x509_crt_deinit(cert);
	if (!user)
		g_message("the certificate from %s stands for nobody in cert-map", peer);
	return g_strdup(user);
}
