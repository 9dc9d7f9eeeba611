/* Object paths (DSP0207, and WMI's spelling): \\HOST\ns\ns:Class.Key="v",Key2=5 */
#pragma once

#include "base/auto.h"
#include "cim/value.h"

#include <glib.h>

#define CIM_KEYS_MAX	  32	/* keys of one path */
#define CIM_PATH_TEXT_MAX 65536 /* bytes of the text of one */
#define CIM_PATH_DEPTH	  8	/* references inside keys */

struct cim_key {
	char *name;
	/* A value of the type that the text showed: string, boolean, a number, reference. Compare
	 * with cim_path_equal(), which forgives 5 for "5". */
	struct cim_value value;
};

struct cim_path {
	char *host;	 /* or NULL; "." is kept as given */
	char *namespace; /* or NULL; with '/' between its parts, case as given */
	char *class_name;
	guint key_count;
	struct cim_key *keys; /* in the order given */
	gboolean is_class;    /* names a class, or the only instance ("=@"): no keys */
};

struct cim_path *cim_path_new(const char *namespace, const char *class_name);
void cim_path_free(struct cim_path *path);
CAIRN_DEFINE_AUTO(cim_path, cim_path_free)
struct cim_path *cim_path_copy(const struct cim_path *path);
/* Takes @value over (it is zeroed). LIMIT when there are too many, EXISTS when @name is there. */
gboolean cim_path_add_key(struct cim_path *path, const char *name, struct cim_value *value,
			  GError **error);
void cim_path_add_string(struct cim_path *path, const char *name, const char *value);
/* NULL when absent; @name in any case. */
const struct cim_value *cim_path_key(const struct cim_path *path, const char *name);
/* The text of a string key, or NULL. */
const char *cim_path_string(const struct cim_path *path, const char *name);

/* Accepts what clients send: \\HOST\, //HOST/, \\.\ or nothing in front; either slash in the
 * namespace; keys in any order; "..." with \\ and \" inside, '...' too; a number, TRUE, FALSE;
 * Class="v" (one key without a name: name ""), Class=@. INVALID says at which character. */
struct cim_path *cim_path_parse(const char *text, GError **error);
/* WMI's form: \\HOST\root\virtualization\v2:Class.A="x",B="y"; keys in alphabetical order. Without
 * host: ns:Class...; without namespace: Class... Free with g_free(). */
char *cim_path_print(const struct cim_path *path);
/* DSP0207's WBEM URI form in the untyped spelling: /ns/ns:Class.A="x" with '/' everywhere. */
char *cim_path_print_uri(const struct cim_path *path);
/* Same namespace (unless one has none), class and keys; names in any case, key strings too when
 * both look like a GUID, hosts are not compared. */
gboolean cim_path_equal(const struct cim_path *a, const struct cim_path *b);
