/* GUIDs. */
#include "base/guid.h"

char *
cairn_guid_new(void)
{
	g_autofree char *lower = g_uuid_string_random();
	return g_ascii_strup(lower, -1);
}

gboolean
cairn_guid_valid(const char *text)
{
	return text && g_uuid_string_is_valid(text);
}

char *
cairn_guid_normalize(const char *text)
{
	return cairn_guid_valid(text) ? g_ascii_strup(text, -1) : NULL;
}
