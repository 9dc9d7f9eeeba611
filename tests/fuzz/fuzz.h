/* One target, two programs: libFuzzer's (with clang: `meson setup -Db_sanitize=address
 * -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link BUILD`, then `ninja -C BUILD
 * tests/fuzz/libfuzzer_NAME`) and a plain test (replay.c) that runs the seeds, and changes of them
 * from a printed seed. */
#pragma once

#include <glib.h>

/* Must not crash, leak or loop on any input. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize len);

/* Good inputs: GBytes, in an array that frees them. */
GPtrArray *fuzz_seeds(void);
