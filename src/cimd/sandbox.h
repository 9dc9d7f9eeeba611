/* Giving rights up: first the user, then everything the kernel would do for us that we never ask
 * for. In this order: auth_helper_start(), listeners and files of root's, sandbox_drop_user(), then
 * whatever starts threads, sandbox_enter(), the loop. */
#pragma once

#include <glib.h>

/* Becomes @user with its groups, and no capabilities, when we are root and @user is not ""; nothing
 * otherwise. NOT_FOUND when there is no such user: it never stays root silently. */
gboolean sandbox_drop_user(const char *user, GError **error);

/* No new privileges, no core dumps, and a seccomp filter for all threads, now and later: files,
 * sockets, threads, time and memory, nothing else (no exec, no ptrace, no mounts, no other
 * process). A call that is not allowed kills the process with SIGSYS; with @log_only it is only
 * logged by the kernel. Nothing can undo it. */
gboolean sandbox_enter(gboolean log_only, GError **error);

/* Whether the filter may be used here: not under a sanitizer, which needs more. */
gboolean sandbox_possible(void);
