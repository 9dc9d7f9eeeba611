/* CIM status codes as errors. */
#include "cim/status.h"

#include "base/error.h"

/* clang-format off */
G_DEFINE_QUARK(cim-error-quark, cim_error)
/* clang-format on */

static const char *const names[] = {
	[CIM_OK] = "CIM_OK",
	[CIM_ERR_FAILED] = "CIM_ERR_FAILED",
	[CIM_ERR_ACCESS_DENIED] = "CIM_ERR_ACCESS_DENIED",
	[CIM_ERR_INVALID_NAMESPACE] = "CIM_ERR_INVALID_NAMESPACE",
	[CIM_ERR_INVALID_PARAMETER] = "CIM_ERR_INVALID_PARAMETER",
	[CIM_ERR_INVALID_CLASS] = "CIM_ERR_INVALID_CLASS",
	[CIM_ERR_NOT_FOUND] = "CIM_ERR_NOT_FOUND",
	[CIM_ERR_NOT_SUPPORTED] = "CIM_ERR_NOT_SUPPORTED",
	[CIM_ERR_CLASS_HAS_CHILDREN] = "CIM_ERR_CLASS_HAS_CHILDREN",
	[CIM_ERR_CLASS_HAS_INSTANCES] = "CIM_ERR_CLASS_HAS_INSTANCES",
	[CIM_ERR_INVALID_SUPERCLASS] = "CIM_ERR_INVALID_SUPERCLASS",
	[CIM_ERR_ALREADY_EXISTS] = "CIM_ERR_ALREADY_EXISTS",
	[CIM_ERR_NO_SUCH_PROPERTY] = "CIM_ERR_NO_SUCH_PROPERTY",
	[CIM_ERR_TYPE_MISMATCH] = "CIM_ERR_TYPE_MISMATCH",
	[CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED] = "CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED",
	[CIM_ERR_INVALID_QUERY] = "CIM_ERR_INVALID_QUERY",
	[CIM_ERR_METHOD_NOT_AVAILABLE] = "CIM_ERR_METHOD_NOT_AVAILABLE",
	[CIM_ERR_METHOD_NOT_FOUND] = "CIM_ERR_METHOD_NOT_FOUND",
	[CIM_ERR_NAMESPACE_NOT_EMPTY] = "CIM_ERR_NAMESPACE_NOT_EMPTY",
	[CIM_ERR_INVALID_ENUMERATION_CONTEXT] = "CIM_ERR_INVALID_ENUMERATION_CONTEXT",
	[CIM_ERR_INVALID_OPERATION_TIMEOUT] = "CIM_ERR_INVALID_OPERATION_TIMEOUT",
	[CIM_ERR_PULL_HAS_BEEN_ABANDONED] = "CIM_ERR_PULL_HAS_BEEN_ABANDONED",
	[CIM_ERR_PULL_CANNOT_BE_ABANDONED] = "CIM_ERR_PULL_CANNOT_BE_ABANDONED",
	[CIM_ERR_FILTERED_ENUMERATION_NOT_SUPPORTED] = "CIM_ERR_FILTERED_ENUMERATION_NOT_SUPPORTED",
	[CIM_ERR_CONTINUATION_ON_ERROR_NOT_SUPPORTED] =
		"CIM_ERR_CONTINUATION_ON_ERROR_NOT_SUPPORTED",
	[CIM_ERR_SERVER_LIMITS_EXCEEDED] = "CIM_ERR_SERVER_LIMITS_EXCEEDED",
	[CIM_ERR_SERVER_IS_SHUTTING_DOWN] = "CIM_ERR_SERVER_IS_SHUTTING_DOWN",
};

gboolean
cim_fail(GError **error, enum cim_status status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, CIM_ERROR, (int)status, text);
	return FALSE;
}

enum cim_status
cim_status_of(const GError *error)
{
	if (!error)
		return CIM_OK;
	if (error->domain == CIM_ERROR)
		return (enum cim_status)error->code;
	if (error->domain == CAIRN_ERROR)
		return (enum cim_status)cairn_error_cim_status(error->code);
	return CIM_ERR_FAILED;
}

const char *
cim_status_name(enum cim_status status)
{
	const char *name = (guint)status < G_N_ELEMENTS(names) ? names[status] : NULL;
	return name ? name : names[CIM_ERR_FAILED];
}
