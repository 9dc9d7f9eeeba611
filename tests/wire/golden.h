/* Golden files below tests/wire, and structs as text for them. */
#pragma once

#include "wire/op.h"

/* "cimxml/get_instance.xml"; fails the test when it cannot be read. Free with g_free(). */
char *golden_read(const char *name, gsize *ret_len);
/* Fails the test when the file says something else; writes it with CAIRN_GOLDEN=write. */
void golden_compare(const char *name, const char *text);
/* Names of the files in @folder that end in @suffix, sorted, without it. */
GPtrArray *golden_names(const char *folder, const char *suffix);

/* FOLDER/NAME.xml of each name, as @put says it, against FOLDER/NAME.txt. */
void golden_compare_all(const char *folder,
			void (*put)(GString *text, const char *data, gsize len));
/* Calls @read with each beginning of each FOLDER/NAME.xml that lacks at least the last '>', in
 * memory of its own, so that AddressSanitizer sees what is read behind it. */
void golden_truncate_all(const char *folder, void (*read)(const char *data, gsize len));

/* A line for each thing that is said. */
void golden_put_value(GString *text, const struct cim_value *value);
void golden_put_instance(GString *text, const struct cim_instance *instance);
void golden_put_op(GString *text, const struct cim_op *op);
