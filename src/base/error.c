/* The error domain and its one table. */
#include "base/error.h"

#include <errno.h>
#include <string.h>

/* clang-format off */
G_DEFINE_QUARK(cairn-error-quark, cairn_error)
/* clang-format on */

static const struct {
	const char *class_name;
	guint16 job_code;
	guint cim_status;
} table[CAIRN_ERROR_LAST] = {
	[CAIRN_ERROR_INVALID] = {"Invalid", 32773, 4},
	[CAIRN_ERROR_NOT_FOUND] = {"NotFound", 32779, 6},
	[CAIRN_ERROR_EXISTS] = {"Exists", 32773, 11},
	[CAIRN_ERROR_STATE] = {"State", 32775, 1},
	[CAIRN_ERROR_BUSY] = {"Busy", 32774, 1},
	[CAIRN_ERROR_DENIED] = {"Denied", 32769, 2},
	[CAIRN_ERROR_LIMIT] = {"Limit", 32778, 1},
	[CAIRN_ERROR_PEER] = {"Peer", 32768, 1},
	[CAIRN_ERROR_IO] = {"IO", 32768, 1},
	[CAIRN_ERROR_CANCELLED] = {"Cancelled", 32768, 1},
};

static int
in_range(int code)
{
	return code >= 0 && code < CAIRN_ERROR_LAST ? code : CAIRN_ERROR_IO;
}

const char *
cairn_error_class(int code)
{
	return table[in_range(code)].class_name;
}

int
cairn_error_from_class(const char *class_name)
{
	for (int code = 0; code < CAIRN_ERROR_LAST; code++)
		if (g_strcmp0(class_name, table[code].class_name) == 0)
			return code;
	return CAIRN_ERROR_IO;
}

guint16
cairn_error_job_code(int code)
{
	return table[in_range(code)].job_code;
}

guint
cairn_error_cim_status(int code)
{
	return table[in_range(code)].cim_status;
}

int
cairn_error_from_errno(int err)
{
	switch (err) {
	case ENOENT:
	case ENOTDIR:
		return CAIRN_ERROR_NOT_FOUND;
	case EEXIST:
	case ENOTEMPTY:
		return CAIRN_ERROR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return CAIRN_ERROR_DENIED;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return CAIRN_ERROR_LIMIT;
	case EBUSY:
	case EWOULDBLOCK:
	case ETXTBSY:
		return CAIRN_ERROR_BUSY;
	case EINVAL:
	case ENAMETOOLONG:
	case EISDIR:
	case ELOOP:
		return CAIRN_ERROR_INVALID;
	default:
		return CAIRN_ERROR_IO;
	}
}

gboolean
cairn_fail(GError **error, enum cairn_error_code code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, CAIRN_ERROR, code, text);
	return FALSE;
}

void
cairn_set_errno(GError **error, int err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, CAIRN_ERROR, cairn_error_from_errno(err), "%s: %s", text,
		    g_strerror(err));
}

int
cairn_error_code(const GError *error)
{
	return error && error->domain == CAIRN_ERROR ? error->code : CAIRN_ERROR_IO;
}
