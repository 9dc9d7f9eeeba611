/* The front end's rights, given up: user, privileges, system calls. */
#include "cimd/sandbox.h"

#include "base/error.h"

#include <errno.h>
#include <grp.h>
#include <linux/sched.h>
#include <pwd.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __has_feature
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define SANITIZED TRUE
#else
#define SANITIZED FALSE
#endif

/* What glibc, GLib, GnuTLS, MIT Kerberos and libmicrohttpd do while requests are answered. Names,
 * as numbers differ between machines; one that a machine does not have is passed over. */
static const char *const allowed[] = {
	/* memory and threads */
	"brk",
	"mmap",
	"munmap",
	"mremap",
	"madvise",
	"futex",
	"futex_waitv",
	"set_robust_list",
	"get_robust_list",
	"rseq",
	"sched_yield",
	"sched_getaffinity",
	"membarrier",
	"set_tid_address",
	"gettid",
	"getpid",
	"getppid",
	"exit",
	"exit_group",
	"wait4",
	"restart_syscall",
	"prlimit64",
	"getrlimit",
	"sched_getattr",
	"sched_setattr",
	"sched_getparam",
	"sched_getscheduler",
	/* signals */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigpending",
	"rt_sigtimedwait",
	"sigaltstack",
	"tgkill",
	/* time and chance */
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"getrandom",
	"timerfd_create",
	"timerfd_settime",
	/* descriptors */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"close",
	"dup",
	"fcntl",
	"lseek",
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"eventfd2",
	"pipe2",
	"sendfile",
	"close_range",
	/* sockets; socket() is below */
	"connect",
	"accept4",
	"accept",
	"bind",
	"listen",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"sendto",
	"recvfrom",
	"sendmsg",
	"recvmsg",
	"sendmmsg",
	"recvmmsg",
	"shutdown",
	/* files: the unit says which; the replay cache of Kerberos is written */
	"openat",
	"stat",
	"fstat",
	"lstat",
	"newfstatat",
	"statx",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents64",
	"getcwd",
	"unlink",
	"unlinkat",
	"fsync",
	"fdatasync",
	"ftruncate",
	"flock",
	"umask",
	"fstatfs",
	"statfs",
	"chmod",
	"fchmod",
	"rename",
	"renameat",
	"fadvise64",
	/* who we are */
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getgroups",
	"getresuid",
	"getresgid",
	"uname",
	"sysinfo",
	"getrusage",
};

/* ---- the user ---- */

gboolean
sandbox_drop_user(const char *user, GError **error)
{
	if (geteuid() != 0 || !*user)
		return TRUE;
	errno = 0;
	const struct passwd *entry = getpwnam(user);
	if (!entry)
		return cairn_fail(error, CAIRN_ERROR_NOT_FOUND,
				  "user: there is no user \"%s\" to become", user);
	if (initgroups(user, entry->pw_gid) < 0 ||
	    setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0) {
		cairn_set_errno(error, errno, "cannot become \"%s\"", user);
		return FALSE;
	}
	if (entry->pw_uid != 0 && setuid(0) == 0)
		return cairn_fail(error, CAIRN_ERROR_STATE, "root's rights cannot be given up");
	return TRUE;
}

/* ---- system calls ---- */

static int
allow_list(scmp_filter_ctx filter)
{
	int result = 0;
	for (guint i = 0; result == 0 && i < G_N_ELEMENTS(allowed); i++) {
		int number = seccomp_syscall_resolve_name(allowed[i]);
		if (number != __NR_SCMP_ERROR)
			result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	return result;
}

/* clone3() hides its flags in memory, so it is refused as an old kernel does, and glibc takes
 * clone() instead: threads only, never a process. */
static int
allow_threads(scmp_filter_ctx filter)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
					  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	return result;
}

/* Sockets of the families that clients, cairnd, name servers and KDCs are on, and of no other; no
 * executable memory; of prctl() only a thread's name; no terminals' ioctl() but FIONREAD's kind. */
static int
allow_some(scmp_filter_ctx filter)
{
	static const int families[] = {AF_UNIX, AF_INET, AF_INET6};
	int result = 0;
	for (guint i = 0; result == 0 && i < G_N_ELEMENTS(families); i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
					  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	/* getaddrinfo() asks the kernel for its addresses, and lives without an answer. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
					  SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
					  SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					  SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
					  SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
	return result;
}

static int
load_filter(gboolean log_only)
{
	scmp_filter_ctx filter = seccomp_init(log_only ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	/* Threads that libraries have begun already are held to it too. */
	int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (result == 0)
		result = allow_list(filter);
	if (result == 0)
		result = allow_threads(filter);
	if (result == 0)
		result = allow_some(filter);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}

gboolean
sandbox_enter(gboolean log_only, GError **error)
{
	struct rlimit none = {0, 0};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0) {
		cairn_set_errno(error, errno, "cannot give privileges up");
		return FALSE;
	}
	int result = load_filter(log_only);
	if (result == 0)
		return TRUE;
	cairn_set_errno(error, -result, "cannot filter system calls");
	return FALSE;
}

gboolean
sandbox_possible(void)
{
	return !SANITIZED;
}
