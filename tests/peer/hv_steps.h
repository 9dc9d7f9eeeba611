/* Steps that the parts of the conformance script share. */
#pragma once

#include "base/error.h"
#include "hv_world.h"

#define AGENT_SECS 60

/* The one world of the program. */
extern struct world world;

#define OK(call)                                                                     \
	do {                                                                         \
		g_autoptr(GError) e_ = NULL;                                         \
		GError **error = &e_;                                                \
		if (!(call))                                                         \
			g_error("%s: %s", #call, e_ ? e_->message : "no error set"); \
	} while (0)

#define FAILS(wanted, call)                              \
	do {                                             \
		g_autoptr(GError) e_ = NULL;             \
		GError **error = &e_;                    \
		g_assert_false(call);                    \
		g_assert_error(e_, CAIRN_ERROR, wanted); \
	} while (0)

/* Machine @n as it is now. */
struct hv_vm *look(guint n);
/* Whether libvirt knows that checkpoint. */
gboolean knows(guint n, const char *name);
/* A point of all disks of machine @n against @base (or NULL), not prepared. */
struct hv_point *plan(guint n, const char *base);
/* The same, begun. */
struct hv_point *take(guint n, const char *base);
/* Ends and forgets it, twice, and sees that nothing is left. Frees it. */
void give_up(struct hv_point *point);
enum hv_state state(guint n);
/* Of a disk of the held data, read over NBD; free with g_free(). */
char *digest(const struct hv_point *point, const char *target);
/* Of the first disk since its base, as the server tells them. */
guint64 changed_bytes(const struct hv_point *point);

/* Their own file: machines that are off, what crashes or goes away, remote hosts. */
void add_trouble_tests(void);
