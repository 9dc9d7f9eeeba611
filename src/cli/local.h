/* Work that the CLI does by itself (verify, restore): its progress, and ^C as a cancel that leaves
 * nothing behind. */
#pragma once

#include "base/auto.h"
#include "cli/cli.h"

#include <gio/gio.h>

struct local_work;

/* @kind and @what make the title, "verify /backup". */
struct local_work *local_work_begin(const struct cli *cli, const char *kind, const char *what);
/* From the thread that began it; @where is what it works on now. */
void local_work_update(struct local_work *work, const char *where, guint64 done, guint64 total);
/* To give to the library; cancelled at the first update after ^C. */
GCancellable *local_work_cancel(struct local_work *work);
/* Takes the bars away. */
void local_work_free(struct local_work *work);
CAIRN_DEFINE_AUTO(local_work, local_work_free)
