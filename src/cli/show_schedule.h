/* What schedules look like. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* A line each; @upcoming: with more than one of the next runs. */
void show_schedules(const json_t *list, gboolean upcoming);
void show_schedule(const json_t *schedule);
