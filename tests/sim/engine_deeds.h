/* What effects and debts do to the world of engine_world.h. */
#pragma once

#include "engine_world.h"

void image_free(struct image *image);
gboolean world_fails(struct world *world);

/* Does what @op asks; @fails: only a part of it, with an error. */
void deed_do(struct world *world, struct op *op, gboolean fails, struct effect_reply *reply,
	     GError **error);
/* A part of it (engine_thin.c). */
void deed_retain(struct world *world, struct op *op, gboolean fails, struct effect_reply *reply);
void deed_reply_clear(struct effect_reply *reply);
/* Returns the flags that are left. */
guint deed_pay(struct world *world, const struct debt *debt, gboolean fails);
/* The parts of a window: all are frozen and paused; all begin; nobody runs the window any more. */
void deed_stand_still(struct world *world, struct op *op);
void deed_begin_all(struct world *world, struct op *op);
void deed_leave_window(struct world *world, struct op *op);
