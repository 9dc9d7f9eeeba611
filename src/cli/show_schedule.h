/* What schedules look like. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* A line each, with its next runs. */
void show_schedules(const json_t *list);
void show_schedule(const json_t *schedule);
