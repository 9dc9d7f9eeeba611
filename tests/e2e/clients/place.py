"""What the clients share: the lab's URLs, its machines, a folder of exports for each, and what a job's end
must look like. Each client does the same things in its own words; see the file `clients`."""
import json
import os
import subprocess
import time

from labtest import Failure, expect

NAMESPACE = "root/virtualization/v2"
CLUSTER = "Root/HyperVCluster/v2"
RUNNING, COMPLETED = 4, 7
OK, STARTED = 0, 4096
FAILED, DENIED, INVALID_PARAMETER, INVALID_STATE = 32768, 32769, 32773, 32775
JOB_SECONDS = 240


class Place:
    def __init__(self, lab, listener):
        self.lab = lab
        self.listener = listener
        self.guests = [guest["name"] for guest in lab.state["guests"]]

    @property
    def url(self):
        return self.lab.state["cimd_url"]

    @property
    def host(self):
        """HOST:PORT, as most clients want it."""
        return self.url.partition("://")[2]

    def exports(self, name):
        folder = os.path.join(self.lab.directory, "exports", name)
        os.makedirs(folder, exist_ok=True)
        return folder

    def cairn(self, *words):
        """What the command line says about the same objects."""
        environment = dict(os.environ, CAIRN_SOCKET=os.path.join(self.lab.directory, "run/control.sock"))
        text = run([os.path.join(self.lab.state["bin"], "cairn"), "--json", *words], env=environment)
        return json.loads(text) if text.strip() else None


def run(argv, **options):
    """A command's output; what it said when it failed is in the exception."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, timeout=240, **options)
    if done.returncode != 0:
        raise Refused(done.stdout + done.stderr)
    return done.stdout


class Refused(Failure):
    """The client ended with an error: its text."""


def refused(what, call, *arguments, **options):
    """The call must fail, with `what` in the text."""
    try:
        answer = call(*arguments, **options)
    except Refused as error:
        expect(what in str(error), "not refused with %s: %s", what, error)
        return
    expect(False, "not refused with %s: %s", what, answer)


def poll(read):
    """A job's properties at its end. Any state but 4 is the end, as Microsoft's ProcessWMIJob and
    Trace-CimMethodExecution take it: 2, 3, 5 and 6 must not be seen (hyperv-semantics, jobs)."""
    deadline = time.monotonic() + JOB_SECONDS
    while True:
        job = read()
        if int(job["JobState"]) != RUNNING:
            return job
        expect(time.monotonic() < deadline, "the job still runs after %d s: %s", JOB_SECONDS, job)


def check_done(job):
    expect((int(job["JobState"]), int(job["ErrorCode"])) == (COMPLETED, 0), "the job ended so: %s", job)
    expect(not job.get("ErrorDescription") and int(job["PercentComplete"]) == 100, "ended: %s", job)
