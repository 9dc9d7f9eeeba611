/* g_autoptr for our structs, which have no typedef: `cairn_auto(store_txn) txn = store_txn_new();`.
 */
#pragma once

#include <glib.h>

#define CAIRN_DEFINE_AUTO(name, free_function)                    \
	static inline void name##_auto_free(struct name **object) \
	{                                                         \
		if (*object)                                      \
			free_function(*object);                   \
	}

#define cairn_auto(name) __attribute__((cleanup(name##_auto_free))) struct name *
