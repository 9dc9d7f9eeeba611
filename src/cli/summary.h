/* What a finished job brought, in a few lines of data on stdout. */
#pragma once

#include "cli/cli.h"

/* The point: name, consistency and why it is lower than asked, pause, how long it is held. With
 * --quiet its name only. */
void summary_point(const struct cli *cli, const json_t *point);
/* The export: what of each disk was written and where the files are. @base_name: of the point it is
 * against; NULL when it is not known. With --quiet the folder only. */
void summary_export(const struct cli *cli, const json_t *job, const char *base_name);

/* "application", or "crash (asked: best; db: no guest agent)". Free with g_free(). */
char *summary_consistency(const json_t *point);
/* The folder of a job's export, DIR/GROUP/POINT. Free with g_free(). */
char *summary_folder(const json_t *job);
/* "43.1 ms, skew 2.0 ms, frozen for 120 ms" of a point; NULL when nothing stood still. */
char *summary_pause(const json_t *point);
