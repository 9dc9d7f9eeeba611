/* cairn-export --retain: the deeds in a thread, commands and progress in this one. */
#pragma once

#include "export/options.h"
#include "export/report.h"

/* Writes the plan, or what was done, as JSON. Errors as those of retain_run(). */
gboolean retain_main(const struct options *options, struct report *report, GError **error);
