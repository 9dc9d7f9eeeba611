"""A daemon of canned answers for the tests of the command line: it speaks the protocol of
control.h and keeps what it was asked, but knows no machine and copies nothing."""
import json
import os
import socket
import threading
import time

GROUP = "11111111-0000-4000-8000-000000000001"
POINT = "22222222-0000-4000-8000-00000000000%d"
JOB = "33333333-0000-4000-8000-00000000000%d"
DB = "44444444-0000-4000-8000-000000000001"
APP = "44444444-0000-4000-8000-000000000002"
MIB = 1 << 20
GATE_SECONDS = 120


class Refused(Exception):
    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def group():
    return {"id": GROUP, "name": "web", "created": "2026-11-20T10:00:00.000000Z",
            "members": [{"id": DB, "name": "db", "state": "running"},
                        {"id": APP, "name": "app", "state": "shutoff"}],
            "points": 2, "latest": "web@2", "held": "web@2"}


def point(number):
    reason = "no guest agent" if number == 2 else None
    reached = "crash" if number == 2 else "application"
    return {"id": POINT % number, "name": "web@%d" % number, "group": GROUP, "group-name": "web",
            "number": number, "created": "2026-11-20T10:0%d:00.500000Z" % number,
            "consistency": reached, "requested": "best", "held": number == 2,
            "release-reason": None if number == 2 else "replaced by web@2",
            "hold-until": "2026-11-20T12:00:00Z" if number == 2 else None, "base": None,
            "pause-us": 43100, "skew-us": 0, "freeze-us": 120000, "barrier": True,
            "exports": [{"directory": "/backup", "job": JOB % 1, "time": "2026-11-20T10:05:00Z"}]
            if number == 1 else [],
            "members": [{"id": DB, "name": "db", "state": "running", "consistency": reached,
                         "reason": reason, "paused-us": 42000,
                         "disks": [{"target": "vda", "id": "d1", "size": 256 * MIB,
                                    "tracked": True, "changed-bytes": 3 * MIB, "reason": None}]},
                        {"id": APP, "name": "app", "state": "shutoff",
                         "consistency": "application", "reason": None, "paused-us": 0,
                         "disks": [{"target": "vda", "id": "d2", "size": 10 << 30,
                                    "tracked": False, "changed-bytes": None,
                                    "reason": "raw image"}]}]}


def disk(name, total, done, rate, kind="full", reason=None):
    state = "done" if done == total else "copying" if done else "waiting"
    return {"vm": DB if name == "db" else APP, "vm-name": name, "target": "vda", "kind": kind,
            "state": state, "done-bytes": done, "total-bytes": total, "rate": rate,
            "reason": reason}


STATES = {2: "new", 4: "running", 5: "suspended", 7: "completed", 8: "terminated", 9: "killed",
          10: "exception", 11: "service", 32768: "completed with warnings"}


def schedule(name="web", state=2, when="mon-fri at 02:00", runs=3, **more):
    """Of two: one that waits, and one that a failure has stopped."""
    waits = state == 2
    upcoming = ["2026-11-%02dT02:00:00.000000Z" % day for day in range(23, 28)] if waits else []
    shown = {"id": "55555555-0000-4000-8000-00000000000%d" % state, "name": name, "state": state,
             "state-name": STATES[state], "group": GROUP, "group-name": "web",
             "directory": "/backup", "calendar-text": when, "owner": "root",
             "created": "2026-11-20T10:00:00.000000Z", "next": upcoming[0] if waits else None,
             "upcoming": upcoming, "start": None, "until": None, "run-times": 0 if waits else 10,
             "runs": runs, "job": JOB % 3, "job-number": 3, "last-state": 7 if waits else 10,
             "last-state-name": "completed" if waits else "exception",
             "last-ended": "2026-11-20T10:10:03.500000Z", "consistency": "application",
             "full": False, "format": "qcow2", "compress": None, "digest": "xxh3", "priority": 100,
             "rate-limit": 0 if waits else 50 * MIB, "keep-us": 604800000000,
             "retention": {"last": 10, "daily": 0 if waits else 7, "weekly": 0, "monthly": 0},
             "recovery": {"action": 4, "other": None, "retries": 1, "delay-us": 60000000},
             "recovery-name": "retry", "notify": "ops@example.com", "note": None, "error": None}
    return dict(shown, **more)


def job(number, kind="export", state=4, phase="copying", done=0, rate=0, directory="/backup",
        error=None, warnings=()):
    exports = kind == "export"
    disks = [disk("db", 192 * MIB, min(done, 192 * MIB), rate, "incremental"),
             disk("app", 64 * MIB, max(0, done - 192 * MIB), 0, "full", "new disk")]
    ended = state not in (2, 4, 5)
    return {"id": JOB % number, "number": number, "kind": kind, "state": state,
            "state-name": STATES[state], "phase": "ended" if ended else phase,
            "status": STATES[state], "group": GROUP, "group-name": "web", "point": POINT % 2,
            "point-name": "web@2", "base": POINT % 1 if exports else None,
            "directory": directory if exports else None, "owner": "root", "priority": 100,
            "rate-limit": 0, "cancellable": not ended, "elapsed-us": 2500000,
            "submitted": "2026-11-20T10:10:00Z", "started": "2026-11-20T10:10:01Z",
            "ended": "2026-11-20T10:10:03.500000Z" if ended else None, "error": error,
            "warnings": list(warnings), "percent": 100 * done // (256 * MIB) if exports else 50,
            "done-bytes": done if exports else 0, "total-bytes": 256 * MIB if exports else 0,
            "rate": rate, "disks": disks if exports else []}


class Job:
    """Plays one job: a list of (delay in seconds, job) that are sent as events, to somebody who has seen
    how it begins. The second half of a copy waits for the gate."""

    def __init__(self, number, steps):
        self.number = number
        self.steps = steps
        self.now = steps[0][1]
        self.plays = False

    def begin(self, daemon):
        if not self.plays:
            self.plays = True
            threading.Thread(target=self.play, args=(daemon,), daemon=True).start()

    def play(self, daemon):
        for delay, view in self.steps:
            time.sleep(delay)
            if view["percent"] > 50:
                daemon.gate.wait(GATE_SECONDS)
            if daemon.jobs.get(self.number) is not self:
                return  # another one took its number
            self.now = view
            daemon.send_event("JOB_CHANGED", view)


class FakeCairnd:
    def __init__(self, folder, scenario="good", jobs=None):
        self.folder = folder
        self.scenario = scenario
        self.asked = []
        self.gate = threading.Event()
        self.gate.set()
        self.jobs = jobs or {}
        self.clients = []
        self.lock = threading.Lock()
        self.path = os.path.join(folder, "control.sock")
        self.listeners = []
        self.listen("control.sock", False)
        self.listen("control-ro.sock", True)

    def listen(self, name, read_only):
        path = os.path.join(self.folder, name)
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(16)
        self.listeners.append(listener)
        threading.Thread(target=self.accept, args=(listener, read_only), daemon=True).start()

    def close(self):
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.listeners = []
        self.jobs = {}
        self.drop_clients()

    def drop_clients(self):
        with self.lock:
            for client in self.clients:
                try:
                    client["socket"].shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.clients.clear()

    def accept(self, listener, read_only):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            client = {"socket": peer, "subscribed": False, "lock": threading.Lock()}
            with self.lock:
                self.clients.append(client)
            self.send(client, {"cairn": {"version": "0.1.0", "protocol": 1,
                                         "read-only": read_only}})
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def send(self, client, value):
        with client["lock"]:
            try:
                client["socket"].sendall((json.dumps(value) + "\n").encode())
            except OSError:
                pass

    def send_event(self, name, data):
        event = {"event": name, "data": data, "timestamp": {"seconds": 0, "microseconds": 0}}
        with self.lock:
            clients = list(self.clients)
        for client in clients:
            if client["subscribed"]:
                self.send(client, event)

    def serve(self, client):
        stream = client["socket"].makefile("r", encoding="utf-8")
        try:
            for line in stream:
                self.answer(client, json.loads(line))
        except (OSError, ValueError):
            pass

    def answer(self, client, request):
        name, arguments = request["execute"], request.get("arguments") or {}
        self.asked.append((name, arguments))
        if name == "subscribe":
            client["subscribed"] = True
        if self.scenario == "hung" and name == "job-show":
            return
        try:
            handler = getattr(self, "on_" + name.replace("-", "_"))
            reply = {"return": handler(**{k.replace("-", "_"): v for k, v in arguments.items()})}
        except Refused as refused:
            reply = {"error": {"class": refused.kind, "desc": str(refused)}}
        reply["id"] = request.get("id")
        self.send(client, reply)
        if name == "job-show" and "return" in reply:
            self.begin_job(reply["return"]["number"])

    # ---- requests ----

    def on_subscribe(self, events=None):
        return {}

    def on_query_status(self):
        return {"version": "0.1.0", "uptime-us": 3723000000,
                "connections": [{"uri": "qemu:///system", "connected": True},
                                {"uri": "qemu+ssh://b/system", "connected": False,
                                 "error": "no route"}],
                "groups": 1, "points": 2, "held-points": 1,
                "jobs": {"waiting": 0, "running": 1, "finished": 4},
                "config": {"state-dir": "/var/lib/cairn", "workers": 2}}

    def need_schedule(self, name):
        for it in self.on_schedule_list():
            if name in (it["name"], it["id"]):
                return it
        raise Refused("NotFound", 'there is no schedule "%s": `cairn schedule list` shows them'
                      % name)

    def on_schedule_list(self, group=None):
        stopped = schedule("nightly", 10, "every day at 23:30", note="2 h late",
                           recovery={"action": 5, "other": GROUP},
                           **{"recovery-name": "run-job", "recovery-schedule": "web"})
        return [] if self.scenario == "empty" or group == "db" else [stopped, schedule()]

    def on_schedule_show(self, schedule):
        return self.need_schedule(schedule)

    def on_schedule_create(self, group, directory, name=None, **_):
        self.need_group(group)
        return schedule(name or group)

    def on_schedule_set(self, schedule, **_):
        return self.need_schedule(schedule)

    def on_schedule_control(self, schedule, action):
        shown = self.need_schedule(schedule)
        if schedule == "nightly" and action == "run":
            return dict(shown, error="10000 jobs are waiting already", **{"job-number": 0})
        if action in ("suspend", "terminate"):  # what would be due is known, and passes
            words = {"suspend": "suspended", "terminate": "terminated"}
            return dict(shown, state=5, upcoming=[], status=words[action])
        return shown

    def on_schedule_delete(self, schedule):
        self.need_schedule(schedule)
        return {}

    def on_limits_show(self):
        return [{"name": name, "value": value, "configured": configured, "set": value != configured}
                for name, value, configured in
                (("max-jobs", 8, 8), ("max-copies", 16, 4), ("copies-per-host", 0, 0),
                 ("rate-per-host", 100 * MIB, 0), ("starve-after", 5400, 3600))]

    def on_limits_set(self, **limits):
        asked = {name.replace("_", "-"): value for name, value in limits.items()}
        shown = self.on_limits_show()
        for it in shown:
            value = asked.get(it["name"], it["value"])
            it["value"] = it["configured"] if value is None else value
        return shown

    def on_query_access(self, user):
        return {"user": user, "role": "operator" if user == "bob" else None,
                "groups": ["web", "db"] if user == "bob" else []}

    def on_vm_list(self):
        return [{"id": DB, "name": "db", "uri": "qemu:///system", "state": "running",
                 "agent": True, "busy": None, "groups": ["web"],
                 "disks": [{"target": "vda", "path": "/i/db.qcow2", "format": "qcow2",
                            "size": 256 * MIB, "trackable": True, "reason": None}]},
                {"id": APP, "name": "app-\u6570\u636e", "uri": "qemu:///system",
                 "state": "shutoff", "agent": False, "busy": "a backup of virsh",
                 "groups": ["web", "all"],
                 "disks": [{"target": "vda", "path": "/i/app.raw", "format": "raw",
                            "size": 10 << 30, "trackable": False, "reason": "raw image"},
                           {"target": "vdb", "path": "/i/b.qcow2", "format": "qcow2",
                            "size": 1536, "trackable": True, "reason": None}]},
                {"id": APP, "name": "evil\x1b[31m", "uri": "qemu:///system", "state": "paused",
                 "agent": False, "busy": None, "groups": [], "disks": []}]

    def need_group(self, name):
        if name not in ("web", GROUP):
            raise Refused("NotFound", 'there is no group "%s"' % name)

    def on_group_list(self):
        return [group()]

    def on_group_show(self, group):
        self.need_group(group)
        return globals()["group"]()

    def on_group_create(self, name, id=None, members=None):
        if name == "web" and self.scenario != "empty":
            raise Refused("Exists", 'there is a group "web" already')
        return dict(group(), name=name)

    def on_group_add(self, group, vm):
        return self.on_group_show(group)

    on_group_remove = on_group_add

    def on_group_rename(self, group, name):
        self.need_group(group)
        return dict(globals()["group"](), name=name)

    def on_group_delete(self, group, force=False):
        self.need_group(group)
        return {}

    def on_point_list(self, group=None):
        if group is not None:
            self.need_group(group)
        return [point(1), point(2)]

    def on_point_show(self, point):
        for number in (1, 2):
            if point in ("web@%d" % number, POINT % number) or point == "web@latest":
                return globals()["point"](2 if point == "web@latest" else number)
        raise Refused("NotFound", 'no point "%s"' % point)

    on_point_release = on_point_show

    def on_point_delete(self, point):
        self.on_point_show(point)
        return {}

    def start(self, number, steps):
        self.jobs[number] = Job(number, steps)

    def begin_job(self, number):
        if number in self.jobs:
            self.jobs[number].begin(self)

    def on_point_create(self, group, **_):
        self.need_group(group)
        self.start(6, [(0, job(6, "point-create", 4, "taking the point")),
                       (0.2, job(6, "point-create", 7))])
        return {"job": JOB % 6, "number": 6, "point": POINT % 2}

    def export_steps(self, directory):
        steps = [(0, job(7, state=2, phase="waiting", directory=directory))]
        if self.scenario == "stuck":
            return steps + [(0.1, job(7, done=16 * MIB, rate=8 * MIB, directory=directory))]
        for i in range(1, 9):
            steps.append((0.12, job(7, done=i * 32 * MIB, rate=100 * MIB, directory=directory)))
        if self.scenario == "failing":
            return steps[:4] + [(0.1, job(7, state=10, done=64 * MIB, directory=directory,
                                          error="the folder is full"))]
        if self.scenario == "warning":
            return steps + [(0.1, job(7, state=32768, done=256 * MIB, directory=directory,
                                      warnings=["app:vda was exported in full: new disk"]))]
        return steps + [(0.1, job(7, state=7, done=256 * MIB, directory=directory))]

    def on_export(self, point, directory, **_):
        self.on_point_show(point)
        if directory == "/denied":
            raise Refused("Denied", '"/denied" is not below an export root')
        self.start(7, self.export_steps(directory))
        return {"job": JOB % 7, "number": 7}

    def on_backup(self, group, directory, **_):
        answer = self.on_point_create(group)
        self.start(7, self.export_steps(directory))
        return {"job": JOB % 7, "number": 7, "point": answer["point"], "point-job": JOB % 6}

    def on_retain(self, group, directory, rate=0, **keep):
        if group != "web":
            raise Refused("NotFound", "there is no group \"%s\"" % group)
        if not keep.get("dry_run"):
            done = job(8, "retain", 7)
            running = job(8, "retain", 4, "removing old exports")
            for view in (running, done):
                view.update({"point": None, "point-name": None})
            done["status"] = "2 exports removed, 1 merged, 512.0 MiB freed"
            self.start(8, [(0, running), (0.05, done)])
            return {"job": JOB % 8, "number": 8}
        point = [{"id": POINT % n, "number": n, "created": "2026-11-2%dT10:00:00Z" % n}
                 for n in range(1, 6)]

        def export(n, action, reason=None, **more):
            return {"point": point[n - 1], "action": action, "reason": reason, "partial": False,
                    "base": None, "into": None, "absorbs": 0, "bytes": n * 64 * MIB,
                    "bytes-removed": 0, "bytes-written": 0, **more}
        return {"group": {"id": GROUP, "name": "web"}, "kept": 3, "merged": 2, "deleted": 1,
                "left": 1, "bytes-removed": 256 * MIB, "bytes-written": 192 * MIB,
                "exports": [
                    export(1, "leave", "the export is not complete"),
                    export(2, "delete", into=point[2]),
                    export(3, "merge", "weekly 2026-W48", absorbs=1),
                    export(4, "merge", "daily 2026-11-24", absorbs=2, base=point[2]),
                    export(5, "keep", "last 1 of 1, daily 2026-11-25")]}

    def find_job(self, name):
        for number, item in self.jobs.items():
            if name in (str(number), JOB % number):
                return item.now
        if name in ("1", JOB % 1):
            return job(1, state=7, done=256 * MIB)
        raise Refused("NotFound", "no job %s" % name)

    def on_job_list(self, active=False, group=None, limit=10000):
        jobs = [job(1, state=7, done=256 * MIB), job(2, "point-create", 10, error="no space"),
                job(3, done=100 * MIB, rate=50 * MIB)]
        return jobs[-limit:]

    def on_job_history(self, before=99, limit=100, state=None, **_):
        """Two jobs a page, as a long search answers."""
        ends = {"failed": (10,), "completed": (7, 32768)}.get(state, tuple(STATES))
        found = [n for n in range(before - 1, 0, -1) if n <= 5][:min(limit, 2)]
        jobs = [dict(job(n, state=10 if n == 4 else 7, error="no space" if n == 4 else None),
                     history=n < 5) for n in found]
        return {"jobs": [each for each in jobs if each["state"] in ends],
                "next": found[-1] if found and found[-1] > 1 else None}

    def on_job_remove(self, job):
        self.find_job(job)
        return {}

    def on_job_show(self, job):
        return dict(self.find_job(job), properties={"JobState": 7, "Caption": None,
                                                    "VirtualMachineId": [DB, APP]},
                    **{"schedule-name": "web"})

    def on_job_errors(self, job):
        self.find_job(job)
        if self.scenario != "failing":
            return []
        return [{"class": "Limit", "code": 32778, "message-id": "CAIRN0007",
                 "message": "the folder is full", "vm": None, "disk": None,
                 "actions": ["free space in /backup and export again", "or choose another"]},
                {"class": "Limit", "code": 32778, "message-id": "CAIRN0415",
                 "message": "no space left", "vm": DB, "disk": "vda", "actions": []},
                {"class": "Peer", "code": 32768, "message-id": "CAIRN0008",
                 "message": "lost\x1b[31m", "vm": None, "disk": None, "actions": []}]

    def on_job_control(self, job, action):
        state = {"suspend": 5, "resume": 4, "terminate": 8, "kill": 9,
                 "service": 11}[action]
        return globals()["job"](1, state=state)

    def on_job_set(self, job, **_):
        return self.find_job(job)
