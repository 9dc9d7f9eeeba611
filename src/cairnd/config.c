/* The settings and where they come from. */
#include "cairnd/config.h"

#include "base/error.h"
#include "base/settings.h"
#include "http/url.h"
#include "cairnd/access.h"
#include "core/queue.h"
#include "cairnd/commands.h"
#include "notify/target.h"

#define SECONDS_MAX (366ull * 86400)

#define AT(member) G_STRUCT_OFFSET(struct config, member)

/* clang-format off */
static const struct setting keys[] = {
	{"state-dir", "daemon", SETTING_TEXT, AT(state_dir), 0, 0, "/var/lib/cairn", "DIR",
	 "store, and what is kept of each point"},
	{"run-dir", "daemon", SETTING_TEXT, AT(run_dir), 0, 0, "/run/cairn", "DIR",
	 "sockets"},
	{"socket-group", "daemon", SETTING_TEXT, AT(socket_group), 0, 0, "cairn", "GROUP",
	 "group that may use control.sock"},
	{"connect", "daemon", SETTING_LIST, AT(connect), 0, 0, "qemu:///system", "URI",
	 "libvirt connection; may be repeated"},
	{"front-end-user", "access", SETTING_TEXT, AT(front_end_user), 0, 0, "cairn-cimd", "USER",
	 "may ask for the users of the roles"},
	{"observer", "access", SETTING_LIST, AT(observers), 0, 0, "", "NAME",
	 "user or @GROUP that may read; may be repeated"},
	{"operator", "access", SETTING_LIST, AT(operators), 0, 0, "", "NAME:GROUPS",
	 "may act on groups A,B or *; may be repeated"},
	{"administrator", "access", SETTING_LIST, AT(administrators), 0, 0, "", "NAME",
	 "may do everything; may be repeated"},
	{"export-root", "export", SETTING_LIST, AT(export_roots), 0, 0, "", "DIR",
	 "exports go below it only; may be repeated"},
	{"export-program", "export", SETTING_TEXT, AT(export_program), 0, 0, "", "FILE",
	 "default: cairn-export beside cairnd"},
	{"connections", "export", SETTING_NUMBER, AT(connections), 1, 16, "2", "N",
	 "NBD connections of one disk copy"},
	{"max-copies", "export", SETTING_NUMBER, AT(max_copies), 1, QUEUE_COPIES_MAX, "4", "N",
	 "disks copied at once, of all jobs"},
	{"copies-per-host", "export", SETTING_NUMBER, AT(copies_per_host), 0, QUEUE_COPIES_MAX, "0", "N",
	 "of them from one host; 0: no limit"},
	{"rate-per-host", "export", SETTING_BYTES, AT(rate_per_host), 0, QUEUE_RATE_MAX, "0", "BYTES",
	 "a second from one host; 0: no limit"},
	{"max-jobs", "jobs", SETTING_NUMBER, AT(max_jobs), 1, QUEUE_JOBS_MAX, "8", "N",
	 "jobs running at once"},
	{"starve-after", "jobs", SETTING_SECONDS, AT(starve_after), 0, QUEUE_STARVE_MAX, "3600", "SECONDS",
	 "a job that waited so long goes first; 0: never"},
	{"keep-jobs", "jobs", SETTING_SECONDS, AT(keep_jobs), 1, SECONDS_MAX, "300", "SECONDS",
	 "how long an ended job is listed"},
	{"keep-history", "jobs", SETTING_SECONDS, AT(keep_history), 1, 100 * SECONDS_MAX, "63072000", "SECONDS",
	 "how long the history keeps it"},
	{"max-history", "jobs", SETTING_NUMBER, AT(max_history), 1000, 10000000, "1000000", "N",
	 "jobs in the history"},
	{"workers", "jobs", SETTING_NUMBER, AT(workers), 1, 256, "8", "N",
	 "threads for calls that block"},
	{"hold-time", "point", SETTING_SECONDS, AT(hold_seconds), 0, SECONDS_MAX, "86400", "SECONDS",
	 "how long a point's data is held; 0: no limit"},
	{"freeze-timeout", "point", SETTING_SECONDS, AT(freeze_timeout), 1, 60, "8", "SECONDS",
	 "for the freeze of all members"},
	{"max-pause", "point", SETTING_NUMBER, AT(max_pause), 10, 60000, "5000", "MS",
	 "longest pause, then the point fails"},
	{"scratch-dir", "point", SETTING_TEXT, AT(scratch_dir), 0, 0, "", "DIR",
	 "scratch files; default: STATE-DIR/scratch"},
	{"scratch-limit", "point", SETTING_BYTES, AT(scratch_limit), 0, G_MAXINT64, "0", "BYTES",
	 "scratch files of one machine"},
	{"scratch-reserve", "point", SETTING_BYTES, AT(scratch_reserve), 0, G_MAXINT64, "1G", "BYTES",
	 "space that held points leave free"},
	{"url", "notify", SETTING_LIST, AT(notify_urls), 0, 0, "", "URL",
	 "scheme://host:port; may be repeated"},
	{"sendmail", "notify", SETTING_TEXT, AT(sendmail), 0, 0, "/usr/sbin/sendmail", "FILE",
	 "sends mail; called with -t -i"},
	{"mail-from", "notify", SETTING_TEXT, AT(mail_from), 0, 0, "", "ADDRESS",
	 "sender of mail; default: cairnd's user"},
	{"notify-ca", "notify", SETTING_TEXT, AT(notify_ca), 0, 0, "", "FILE",
	 "certificates; default: the system's"},
	{"notify-program", "notify", SETTING_TEXT, AT(notify_program), 0, 0, "", "FILE",
	 "default: cairn-notify beside cairnd"},
	{"timeout", "notify", SETTING_SECONDS, AT(notify_timeout), 1, 3600, "30", "SECONDS",
	 "for one notification or command"},
	{"command", "recovery", SETTING_LIST, AT(commands), 0, 0, "", "NAME:COMMAND",
	 "for jobs that fail; may be repeated"},
	{0},
};
/* clang-format on */

static const char *const other_sections[] = {"cimd", NULL};
static const struct settings_program program = {
	.name = "cairnd",
	.summary = "- the daemon of cairn",
	.table = keys,
	.others = other_sections,
};

/* In the build tree every program has its folder; installed, sbin has a bin. */
static char *
find_program(const char *folder, const char *name)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *dir = self ? g_path_get_dirname(self) : g_strdup(".");
	g_autofree char *beside = g_build_filename(dir, name, NULL);
	g_autofree char *built = g_build_filename(dir, "..", folder, name, NULL);
	if (g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE))
		return g_steal_pointer(&beside);
	if (g_file_test(built, G_FILE_TEST_IS_EXECUTABLE))
		return g_steal_pointer(&built);
	return g_build_filename(dir, "..", "bin", name, NULL);
}

static void
replace(char **value, char *by)
{
	g_free(*value);
	*value = by;
}

static void
complete(struct config *config)
{
	if (!*config->scratch_dir)
		replace(&config->scratch_dir, g_build_filename(config->state_dir, "scratch", NULL));
	if (!*config->export_program)
		replace(&config->export_program, find_program("export", "cairn-export"));
	if (!*config->notify_program)
		replace(&config->notify_program, find_program("notify", "cairn-notify"));
}

static gboolean
absolute(const char *key, const char *path, GError **error)
{
	if (g_path_is_absolute(path))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "%s: \"%s\" is not an absolute path",
		    key, path);
	return FALSE;
}

static gboolean
check_notify(const struct config *config, GError **error)
{
	g_auto(GStrv) origins = http_url_origins(config->notify_urls, error);
	if (!origins) {
		g_prefix_error(error, "url: ");
		return FALSE;
	}
	if (*config->mail_from) {
		cairn_auto(notify_target) from =
			notify_target_parse(config->mail_from, NULL, error);
		if (!from || from->kind != NOTIFY_MAIL) {
			g_clear_error(error);
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "mail-from: \"%s\" is no mail address",
					  config->mail_from);
		}
	}
	return absolute("sendmail", config->sendmail, error) &&
	       absolute("notify-program", config->notify_program, error) &&
	       (!*config->notify_ca || absolute("notify-ca", config->notify_ca, error)) &&
	       commands_check(config->commands, error);
}

static gboolean
check_config(const struct config *config, GError **error)
{
	for (char **root = config->export_roots; root && *root; root++)
		if (!absolute("export-root", *root, error))
			return FALSE;
	for (char **uri = config->connect; uri && *uri; uri++)
		if (!g_str_has_prefix(*uri, "qemu:") && !g_str_has_prefix(*uri, "qemu+") &&
		    !g_str_has_prefix(*uri, "fake:")) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
				    "connect: \"%s\" is not a libvirt URI of QEMU (qemu:///system, "
				    "qemu+ssh://HOST/system, ...)",
				    *uri);
			return FALSE;
		}
	if (!config->connect || !*config->connect) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "connect: no libvirt connection is given");
		return FALSE;
	}
	cairn_auto(access) access =
		access_new(config->observers, config->operators, config->administrators, error);
	return access && check_notify(config, error) &&
	       absolute("state-dir", config->state_dir, error) &&
	       absolute("run-dir", config->run_dir, error) &&
	       absolute("scratch-dir", config->scratch_dir, error);
}

struct config *
config_load(int *argc, char ***argv, GError **error)
{
	cairn_auto(config) config = g_new0(struct config, 1);
	if (!settings_load(&program, config, &config->common, argc, argv, error))
		return NULL;
	complete(config);
	return check_config(config, error) ? g_steal_pointer(&config) : NULL;
}

void
config_free(struct config *config)
{
	if (!config)
		return;
	settings_clear(keys, config);
	g_free(config->common.file);
	g_free(config);
}

char *
config_text(const struct config *config)
{
	return settings_text(keys, config);
}

json_t *
config_view(const struct config *config)
{
	return settings_view(keys, config);
}
