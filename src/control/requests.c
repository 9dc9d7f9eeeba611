/* The requests, as data. Order: as the manual shows them. */
#include "control/requests.h"

#define GROUP_ARG                                                      \
	{                                                              \
		"group", ARG_STRING, TRUE, "name or GUID of the group" \
	}
#define POINT_ARG                                                                            \
	{                                                                                    \
		"point", ARG_STRING, TRUE, "GROUP@NUMBER, GROUP@latest or GUID of the point" \
	}
#define JOB_ARG                                                      \
	{                                                            \
		"job", ARG_STRING, TRUE, "number or GUID of the job" \
	}

/* What is done when a job fails, and who is told of its end. */
#define RECOVERY_ARGS                                                                             \
	{"on-failure", ARG_STRING, FALSE, "stop, continue, retry, run-job or command"},           \
		{"retries", ARG_UINT, FALSE, "with retry: at most so many, 1 to 100; default 3"}, \
		{"retry-delay", ARG_UINT, FALSE,                                                  \
		 "with retry: seconds before the first, doubled for each; default 60"},           \
		{"recovery", ARG_STRING, FALSE,                                                   \
		 "with run-job: the schedule; with command: its name in [recovery]"},             \
	{                                                                                         \
		"notify", ARG_STRING, FALSE,                                                      \
			"mail address, URL or journal:TAG that is told of the end"                \
	}

#define SCHEDULE_ARG                                                         \
	{                                                                    \
		"schedule", ARG_STRING, TRUE, "name or GUID of the schedule" \
	}
/* When: what CIM_Job says of it, and more. */
/* clang-format off */
#define CALENDAR_ARGS \
	{"at", ARG_STRING, FALSE, "HH:MM or HH:MM:SS; default 00:00"}, \
	{"every", ARG_UINT, FALSE, \
	 "then again after so many seconds, at least 60, until midnight; 0: once a day"}, \
	{"weekdays", ARG_STRINGS, FALSE, "sun, mon, tue, wed, thu, fri, sat; default all"}, \
	{"months", ARG_STRINGS, FALSE, "jan to dec; default all"}, \
	{"day", ARG_INT, FALSE, "of the month, 1 to 31, or -1 (the last) to -31; 0: any"}, \
	{"day-of-week", ARG_INT, FALSE, \
	 "1 (Sunday) to 7; with day: the first on or after it, -1 to -7 the last on or before " \
	 "it; 0: any"}, \
	{"utc", ARG_BOOL, FALSE, "the times are UTC, not local"}, \
	{"start", ARG_STRING, FALSE, \
	 "not before this time, in ISO 8601 or as CIM writes it; alone: once, then"}, \
	{"until", ARG_STRING, FALSE, "not after this time; empty: for ever"}, \
	{"times", ARG_UINT, FALSE, "runs at most; 0 (default): no limit"}
/* clang-format on */

/* Of backup, schedule-create and schedule-set, and retain. */
/* clang-format off */
#define RETENTION_ARGS \
	{"keep-last", ARG_UINT, FALSE, \
	 "exports to keep: the newest; all four 0 (default): all"}, \
	{"keep-daily", ARG_UINT, FALSE, "the newest of each of so many days"}, \
	{"keep-weekly", ARG_UINT, FALSE, "the newest of each of so many weeks"}, \
	{"keep-monthly", ARG_UINT, FALSE, "the newest of each of so many months"}
/* clang-format on */

/* Of schedule-create and schedule-set. */
/* clang-format off */
#define SCHEDULE_ARGS(required) \
	{"directory", ARG_STRING, required, "absolute path below an export root; must exist"}, \
	{"name", ARG_STRING, FALSE, \
	 "1 to 64 characters: letters, digits, '.', '_', '-'; default: after the group"}, \
	CALENDAR_ARGS, \
	{"consistency", ARG_STRING, FALSE, "as for point-create"}, \
	{"full", ARG_BOOL, FALSE, "each run exports in full"}, \
	{"format", ARG_STRING, FALSE, "as for export"}, \
	{"compress", ARG_STRING, FALSE, "as for export"}, \
	{"digest", ARG_STRING, FALSE, "as for export"}, \
	{"rate", ARG_UINT, FALSE, "as for export"}, \
	{"priority", ARG_UINT, FALSE, "lower runs first; default 100"}, \
	RETENTION_ARGS, \
	{"keep-job", ARG_UINT, FALSE, "seconds to keep the job of a run after its end"}, \
	{"delete-on-completion", ARG_BOOL, FALSE, "forget that job then; default true"}, \
	RECOVERY_ARGS
/* clang-format on */

const struct request requests[] = {
	{"query-version",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "Version of the daemon and of the protocol",
	 {{0}},
	 "{version, protocol}"},
	{"query-requests",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "This table",
	 {{0}},
	 "[{name, read-only, summary, arguments: [{name, type, required, help}], "
	 "returns}]"},
	{"query-status",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "What the daemon is doing and with what settings",
	 {{0}},
	 "{version, instance, uptime-us, connections: [{uri, connected, error}], groups, "
	 "points, held-points, jobs: {waiting, running, finished}, errands, config: {...}}"},
	{"query-access",
	 REQUEST_READ,
	 ROLE_ADMINISTRATOR,
	 "What a user of the front ends may do",
	 {{"user", ARG_STRING, TRUE, "name as the front end gives it"}},
	 "{user, role: observer, operator, administrator or null, groups: [name], [\"*\"] for "
	 "all}"},
	{"subscribe",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "Sends events on this connection from now on",
	 {{"events", ARG_STRINGS, FALSE, "names; all when absent"},
	  {"properties", ARG_BOOL, FALSE, "jobs in events have their properties, as in job-show"}},
	 "{}"},

	{"vm-list",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "Virtual machines of all connections",
	 {{0}},
	 "[vm]: {id, name, uri, state, agent, busy, groups: [name], "
	 "disks: [{target, path, format, size, trackable, reason}]}"},

	{"group-create",
	 0,
	 ROLE_ADMINISTRATOR,
	 "Makes a group",
	 {{"name", ARG_STRING, TRUE, "1 to 64 characters: letters, digits, '.', '_', '-'"},
	  {"id", ARG_STRING, FALSE, "GUID to give it"},
	  {"members", ARG_STRINGS, FALSE, "names or UUIDs of its machines"}},
	 "group"},
	{"group-list",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "All groups",
	 {{0}},
	 "[group]: {id, name, created, members: [{id, name, state}], points, latest, held}"},
	{"group-show", REQUEST_READ, ROLE_OBSERVER, "One group", {GROUP_ARG}, "group"},
	{"group-add",
	 0,
	 ROLE_ADMINISTRATOR,
	 "Adds a machine to a group",
	 {GROUP_ARG, {"vm", ARG_STRING, TRUE, "name or UUID of the machine"}},
	 "group"},
	{"group-remove",
	 0,
	 ROLE_ADMINISTRATOR,
	 "Takes a machine out of a group",
	 {GROUP_ARG, {"vm", ARG_STRING, TRUE, "name or UUID of the machine"}},
	 "group"},
	{"group-rename",
	 0,
	 ROLE_ADMINISTRATOR,
	 "Gives a group another name",
	 {GROUP_ARG, {"name", ARG_STRING, TRUE, "the new name"}},
	 "group"},
	{"group-delete",
	 0,
	 ROLE_ADMINISTRATOR,
	 "Forgets a group; its points and schedules must be gone unless force is set",
	 {GROUP_ARG, {"force", ARG_BOOL, FALSE, "delete its points and schedules too"}},
	 "{} or {job}"},

	{"point-create",
	 0,
	 ROLE_OPERATOR,
	 "Takes a reference point of all members at one instant",
	 {GROUP_ARG,
	  {"consistency", ARG_STRING, FALSE,
	   "application: fail if a member cannot be frozen; best (default): say crash then; crash: "
	   "do "
	   "not freeze"},
	  {"no-barrier", ARG_BOOL, FALSE,
	   "do not pause the machines together: not one instant (for tests)"},
	  {"hold", ARG_UINT, FALSE,
	   "seconds to hold its data, at least 1; default from the configuration"},
	  {"priority", ARG_UINT, FALSE, "lower runs first; default 100"},
	  RECOVERY_ARGS},
	 "{job: ID, number: N, point: GUID}"},
	{"point-list",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "Points, of one group or of all, oldest first",
	 {{"group", ARG_STRING, FALSE, "name or GUID of the group"}},
	 "[point]: {id, name, group, group-name, number, created, consistency, "
	 "requested, held, release-reason, hold-until, base, pause-us, skew-us, "
	 "freeze-us, barrier, exports: [{directory, job, time}], partials: [directory], "
	 "members: [{id, name, uri, state, agent, guest-state, consistency, reason, "
	 "stopped-at, still-at, begun-at, resumed-at, paused-us, socket, disks: "
	 "[{target, id, path, format, size, tracked, changed-bytes, changes, reason}]}]}"},
	{"point-show", REQUEST_READ, ROLE_OBSERVER, "One point", {POINT_ARG}, "point"},
	{"point-release",
	 0,
	 ROLE_OPERATOR,
	 "Lets the held data of a point go; the point stays as a base",
	 {POINT_ARG},
	 "point"},
	{"point-delete", 0, ROLE_OPERATOR, "Forgets a point", {POINT_ARG}, "{}"},

	{"export",
	 0,
	 ROLE_OPERATOR,
	 "Exports a held point into a folder",
	 {POINT_ARG,
	  {"directory", ARG_STRING, TRUE, "absolute path below an export root; must exist"},
	  {"base", ARG_STRING, FALSE,
	   "point exported there before: only what changed since; \"auto\": the newest there, else "
	   "full"},
	  {"disks", ARG_STRINGS, FALSE, "VM or VM:TARGET; default: all disks of all members"},
	  {"format", ARG_STRING, FALSE, "qcow2 (default) or raw"},
	  {"compress", ARG_STRING, FALSE, "zstd or none (default)"},
	  {"digest", ARG_STRING, FALSE, "xxh3 (default) or sha256"},
	  {"rate", ARG_UINT, FALSE, "bytes a second for the whole job; 0 (default): no limit"},
	  {"keep-held", ARG_BOOL, FALSE, "hold the point's data on after the export"},
	  {"priority", ARG_UINT, FALSE, "lower runs first; default 100"},
	  RECOVERY_ARGS},
	 "{job: ID, number: N}"},
	{"backup",
	 0,
	 ROLE_OPERATOR,
	 "Takes a point and exports it against the newest one in the folder",
	 {GROUP_ARG,
	  {"directory", ARG_STRING, TRUE, "absolute path below an export root; must exist"},
	  {"consistency", ARG_STRING, FALSE, "as for point-create"},
	  {"full", ARG_BOOL, FALSE, "export in full even if a base is there"},
	  {"format", ARG_STRING, FALSE, "as for export"},
	  {"compress", ARG_STRING, FALSE, "as for export"},
	  {"digest", ARG_STRING, FALSE, "as for export"},
	  {"rate", ARG_UINT, FALSE, "as for export"},
	  {"priority", ARG_UINT, FALSE, "lower runs first; default 100"},
	  RETENTION_ARGS,
	  RECOVERY_ARGS},
	 "{job: ID of the export, number: N, point: GUID, point-job: ID}"},
	{"retain",
	 0,
	 ROLE_OPERATOR,
	 "Keeps some of a group's exports in a folder and removes the others",
	 {GROUP_ARG,
	  {"directory", ARG_STRING, TRUE, "as for export"},
	  RETENTION_ARGS,
	  {"dry-run", ARG_BOOL, FALSE, "only tell what would be done"},
	  {"rate", ARG_UINT, FALSE, "bytes per second for merging; 0: no limit"},
	  {"priority", ARG_UINT, FALSE, "lower runs first; default 100"}},
	 "{job: ID, number: N}, or with dry-run {group, kept, merged, deleted, left, "
	 "bytes-removed, bytes-written, exports: [{point: {id, number, created}, action: keep, "
	 "merge, delete or leave, reason, partial, base, into, absorbs, bytes, bytes-removed, "
	 "bytes-written}]}"},

	{"job-list",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "Jobs, newest last",
	 {{"active", ARG_BOOL, FALSE, "only those that have not ended"},
	  {"group", ARG_STRING, FALSE, "only those of this group"},
	  {"after", ARG_UINT, FALSE, "only those with a larger number, the oldest of them first"},
	  {"limit", ARG_UINT, FALSE,
	   "at most so many, 1 to 10000 (default): the oldest with after, else the newest"},
	  {"properties", ARG_BOOL, FALSE, "each with its properties, as job-show has them"}},
	 "[job]: {id, number, kind, state, state-name, phase, group, group-name, point, "
	 "point-name, base, directory, percent, done-bytes, total-bytes, rate, "
	 "rate-limit, submitted, started, ended, elapsed-us, owner, priority, "
	 "cancellable, status, error, warnings, schedule, note, attempt, due, "
	 "retried-as, on-failure, retries, recovery, notify, disks: [{vm, vm-name, "
	 "target, kind, state, done-bytes, total-bytes, rate, reason}]}"},
	{"job-history",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "Ended jobs, newest first, also those that job-list has no more",
	 {{"group", ARG_STRING, FALSE, "only those of this group, which may be gone"},
	  {"schedule", ARG_STRING, FALSE,
	   "only the runs of this schedule, by its GUID when it is gone"},
	  {"since", ARG_STRING, FALSE, "only those asked for at this time (ISO 8601) or later"},
	  {"until", ARG_STRING, FALSE, "only those asked for at this time or earlier"},
	  {"state", ARG_STRING, FALSE,
	   "how they ended: completed, warnings, failed, terminated or killed"},
	  {"before", ARG_UINT, FALSE, "only those with a smaller number"},
	  {"limit", ARG_UINT, FALSE, "at most so many, 1 to 1000; default 100"}},
	 "{jobs: [job, and history: whether only the history has it], next: the number to give as "
	 "before for more, null at the end, damaged: how many jobs could not be read, if any}; a "
	 "long "
	 "search "
	 "ends early with a next"},
	{"job-show",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "One job with every property of its CIM class",
	 {JOB_ARG},
	 "job, history: true if only the history has it, schedule-name, and properties: {every "
	 "property of Msvm_CollectionReferencePointExportJob}"},
	{"job-errors",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "All errors of a job",
	 {JOB_ARG},
	 "[{class, code, message-id, message, arguments, vm, disk, source, type, severity, cause, "
	 "cause-description, action, actions}]"},
	{"job-control",
	 0,
	 ROLE_OPERATOR,
	 "RequestStateChange of a job",
	 {JOB_ARG,
	  {"action", ARG_STRING, TRUE, "suspend, resume, terminate, kill or service"},
	  {"forget", ARG_BOOL, FALSE,
	   "with terminate and kill: whether it goes at its end, or stays; else as it was set"}},
	 "job"},
	{"job-set",
	 0,
	 ROLE_OPERATOR,
	 "Changes a job; a calendar makes it the first run of a schedule, or changes that",
	 {JOB_ARG,
	  {"priority", ARG_UINT, FALSE, "lower runs first"},
	  {"rate", ARG_UINT, FALSE, "bytes a second; 0: no limit"},
	  {"keep", ARG_UINT, FALSE, "seconds to keep the job after its end"},
	  {"delete-on-completion", ARG_BOOL, FALSE,
	   "remove it then (default), or keep it until job-remove; set after the end it removes "
	   "nothing"},
	  {"notify", ARG_STRING, FALSE, "who is told of its end; empty: nobody"},
	  CALENDAR_ARGS},
	 "job"},
	{"job-remove",
	 0,
	 ROLE_OPERATOR,
	 "Removes an ended job; the history keeps it",
	 {JOB_ARG},
	 "{}"},

	{"limits-show",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "The limits of the queue",
	 {{0}},
	 "[limit]: {name, value, configured, set: whether limits-set has changed it}"},
	{"limits-set",
	 0,
	 ROLE_ADMINISTRATOR,
	 "Changes limits of the queue at once and for good; null: the configuration's again",
	 {{"max-jobs", ARG_UINT, FALSE, "jobs running at once, 1 to 1000"},
	  {"max-copies", ARG_UINT, FALSE, "disks copied at once, of all jobs, 1 to 256"},
	  {"copies-per-host", ARG_UINT, FALSE, "of them from one host, at most 256; 0: no limit"},
	  {"rate-per-host", ARG_UINT, FALSE,
	   "bytes a second, of all copies from one host; 0: no limit"},
	  {"starve-after", ARG_UINT, FALSE,
	   "seconds after which a waiting job goes before all others; 0: never"}},
	 "[limit]"},
	{"schedule-create",
	 0,
	 ROLE_OPERATOR,
	 "Makes a schedule: backups of a group into a folder, at the times of a calendar",
	 {GROUP_ARG, SCHEDULE_ARGS(TRUE)},
	 "schedule"},
	{"schedule-list",
	 REQUEST_READ,
	 ROLE_OBSERVER,
	 "Schedules, by name",
	 {{"group", ARG_STRING, FALSE, "only those of this group"},
	  {"properties", ARG_BOOL, FALSE, "each with its properties as a job of CIM"}},
	 "[schedule]"},
	{"schedule-show", REQUEST_READ, ROLE_OBSERVER, "One schedule", {SCHEDULE_ARG}, "schedule"},
	{"schedule-set",
	 0,
	 ROLE_OPERATOR,
	 "Changes a schedule; what is not given stays",
	 {SCHEDULE_ARG, SCHEDULE_ARGS(FALSE)},
	 "schedule"},
	{"schedule-control",
	 0,
	 ROLE_OPERATOR,
	 "Runs a schedule now, suspends or resumes it, or ends it for good",
	 {SCHEDULE_ARG,
	  {"action", ARG_STRING, TRUE, "run, suspend, resume or terminate"},
	  {"forget", ARG_BOOL, FALSE,
	   "with terminate: whether it goes at its end, or stays; else as it was set"}},
	 "schedule"},
	{"schedule-delete",
	 0,
	 ROLE_OPERATOR,
	 "Forgets a schedule; a run that is under way goes on",
	 {SCHEDULE_ARG},
	 "{}"},
	{0},
};

const struct control_event_word control_events[] = {
	{"JOB_CREATED", "A job was accepted; data: job"},
	{"JOB_CHANGED", "Its state or phase changed; data: job"},
	{"JOB_PROGRESS", "Bytes were moved; data: job"},
	{"JOB_REMOVED", "It is no longer kept; data: {id, number}"},
	{"SCHEDULE_CHANGED",
	 "A schedule was made, edited, or has begun or ended a run; data: schedule"},
	{"SCHEDULE_DELETED", "It is forgotten; data: {id, name, group}"},
	{"POINT_CREATED", "A point stands; data: point"},
	{"POINT_CHANGED", "Its data was released or it was exported; data: point"},
	{"POINT_DELETED", "It is forgotten; data: {id, group}"},
	{"GROUP_CHANGED", "A group was made or changed; data: group"},
	{"GROUP_DELETED", "It is forgotten, and its points with it; data: {id, name}"},
	{"VM_CHANGED",
	 "A machine is new, changed or gone, as far as is known; data: vm, or {id, name, removed}"},
	{"VM_START_BLOCKED", "A shut-off machine could not start while its disks are read; data: "
			     "{id, name, job, message}"},
	{0},
};
