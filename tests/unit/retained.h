/* What the tests of retention share: exports made by export_maker.h, runs, and what must hold after
 * each of them. Points are counted from 0. */
#pragma once

#include "export_maker.h"
#include "image/retain.h"

/* Instead of g_test_init(). */
void retained_init(int *argc, char ***argv);
#define RETAINED_SIZE (4 * 1048576 + 3 * 65536 + 1024)
/* @points exports, each of changed disks on the one before. */
struct maker *retained_make(const char *format, gboolean compress, guint points);
const struct maker_point *retained_point(const struct maker *maker, guint i);
/* The group's folder; free with g_free(). */
char *retained_dir(const struct maker *maker);
gboolean retained_exists(const struct maker *maker, guint i);
/* Names in the group's folder, hidden ones too. */
guint retained_names(const struct maker *maker);
void retained_set_created(const struct maker_point *point, const char *created);

struct retain_plan *retained_plan(const struct maker *maker, const struct retention *retention);
/* A whole run, with what a killed one left. */
gboolean retained_run(const struct maker *maker, const struct retention *retention,
		      const struct retain_options *options, GError **error);
void retained_run_well(const struct maker *maker, const struct retention *retention);

/* As restore reads it, every digest compared. */
void retained_assert_restores(const struct maker *maker, guint i);
/* Everything there is sound, and nothing but @points exports is there. */
void retained_assert_sound(const struct maker *maker, guint points);
