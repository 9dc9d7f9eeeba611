/* A limit in bytes per second that can be changed while it works. Pure: the time is given. Of idle
 * time at most a quarter of a second is made up for, so that a pause gives no burst. */
#pragma once

#include <glib.h>

struct rate {
	guint64 limit; /* bytes per second; 0: none */
	gint64 free;   /* microseconds: when what was taken is paid for */
};

void rate_set(struct rate *rate, guint64 limit, gint64 now);
/* Takes @bytes, or says after how many microseconds to ask again. 0: taken. */
gint64 rate_take(struct rate *rate, guint64 bytes, gint64 now);
