/* Names of namespaces and of languages, in all the ways that clients write them. */
#include "cim/schema.h"

#include <string.h>

#define NAMESPACE_TEXT_MAX 256 /* bytes; longer ones are none of ours */
#define LANGUAGE_LIST_MAX  32  /* entries of an Accept-Language that are looked at */

/* ---- languages ---- */

static const struct language {
	const char *primary, *tag;
	guint primary_lcid; /* low ten bits of a Windows locale */
} languages[CIM_LANG_LAST] = {
	[CIM_LANG_EN] = {"en", "en-US", 0x09},
	[CIM_LANG_FR] = {"fr", "fr-FR", 0x0c},
	[CIM_LANG_RU] = {"ru", "ru-RU", 0x19},
	[CIM_LANG_ZH] = {"zh", "zh-CN", 0x04},
};

const char *
cim_language_tag(enum cim_language language)
{
	g_assert((guint)language < CIM_LANG_LAST);
	return languages[language].tag;
}

/* q of "; q=0.5" in thousandths; 1000 when it is not said (RFC 9110 12.4.2). */
static guint
weight(const char *parameters, gsize len)
{
	const char *q = g_strstr_len(parameters, (gssize)len, "q=");
	const char *end = parameters + len;
	guint value = 0, unit = 1000;
	if (!q)
		return 1000;
	for (q += 2; q < end && (g_ascii_isdigit(*q) || *q == '.'); q++)
		if (*q != '.') {
			value += (guint)(*q - '0') * unit;
			unit /= 10;
		}
	return MIN(value, 1000);
}

/* "fr-CA", "fr_FR.UTF-8", "fr"; CIM_LANG_LAST when none of ours. */
static enum cim_language
match_tag(const char *tag, gsize len)
{
	if (len >= 1 && tag[0] == '*')
		return CIM_LANG_EN;
	for (guint i = 0; i < CIM_LANG_LAST; i++)
		if (len >= 2 && g_ascii_strncasecmp(tag, languages[i].primary, 2) == 0 &&
		    (len == 2 || !g_ascii_isalnum(tag[2])))
			return (enum cim_language)i;
	return CIM_LANG_LAST;
}

enum cim_language
cim_language_find(const char *list)
{
	enum cim_language best = CIM_LANG_EN;
	guint best_weight = 0;
	for (guint i = 0; list && *list && i < LANGUAGE_LIST_MAX; i++) {
		list += strspn(list, " \t,");
		gsize len = strcspn(list, ","), tag = strcspn(list, ",; \t");
		enum cim_language language = match_tag(list, tag);
		guint w = weight(list + tag, len - tag);
		if (language != CIM_LANG_LAST && w > best_weight) {
			best = language;
			best_weight = w;
		}
		list += len;
	}
	return best;
}

/* ---- namespaces ---- */

static const char *const namespaces[CIM_NS_LAST] = {
	[CIM_NS_VIRTUALIZATION] = "root/virtualization/v2",
	[CIM_NS_CLUSTER] = "Root/HyperVCluster/v2",
	[CIM_NS_INTEROP] = "interop",
	[CIM_NS_CIMV2] = "root/cimv2",
	[CIM_NS_ROOT] = "root",
	[CIM_NS_VIRTUALIZATION_ABOVE] = "root/virtualization",
	[CIM_NS_CLUSTER_ABOVE] = "Root/HyperVCluster",
};

const char *
cim_namespace_name(enum cim_namespace_id id)
{
	g_assert((guint)id < CIM_NS_LAST);
	return namespaces[id];
}

/* "MS_40C": WMI's sub-namespace with one language's texts. */
static gboolean
is_locale(const char *part, enum cim_language *ret_language)
{
	guint64 lcid;
	if (g_ascii_strncasecmp(part, "MS_", 3) != 0 ||
	    !g_ascii_string_to_unsigned(part + 3, 16, 1, G_MAXUINT16, &lcid, NULL))
		return FALSE;
	*ret_language = CIM_LANG_EN;
	for (guint i = 0; i < CIM_LANG_LAST; i++)
		if ((lcid & 0x3ff) == languages[i].primary_lcid)
			*ret_language = (enum cim_language)i;
	return TRUE;
}

/* One '/' between parts, none at the ends. */
static void
normalize(const char *name, char *buffer)
{
	char *to = buffer;
	for (; *name; name++) {
		char byte = *name == '\\' ? '/' : *name;
		if (byte != '/' || (to != buffer && to[-1] != '/'))
			*to++ = byte;
	}
	if (to != buffer && to[-1] == '/')
		to--;
	*to = '\0';
}

enum cim_namespace_id
cim_namespace_find(const char *name, enum cim_language *ret_language)
{
	char buffer[NAMESPACE_TEXT_MAX + 1];
	enum cim_language language = CIM_LANG_EN;
	gboolean has_locale = FALSE;
	if (!name || strlen(name) > NAMESPACE_TEXT_MAX)
		return CIM_NS_LAST;
	normalize(name, buffer);
	char *slash = strrchr(buffer, '/');
	if (slash && is_locale(slash + 1, &language)) {
		has_locale = TRUE;
		*slash = '\0';
	}
	for (guint i = 0; i < CIM_NS_LAST; i++) {
		/* pywbem and others also look for it below root */
		gboolean below =
			i == CIM_NS_INTEROP && g_ascii_strcasecmp(buffer, "root/interop") == 0;
		if (!below && g_ascii_strcasecmp(buffer, namespaces[i]) != 0)
			continue;
		if (has_locale && ret_language)
			*ret_language = language;
		return (enum cim_namespace_id)i;
	}
	return CIM_NS_LAST;
}
