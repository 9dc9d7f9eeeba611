"""Talking to the program in a guest (tests/guest/guest.c) over its command port."""
import socket
import time

from .common import LabError


class LineSocket:
    """Lines over a unix socket, every wait with a deadline."""

    def __init__(self, path, seconds):
        self.seconds = seconds
        self.rest = b""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        deadline = time.monotonic() + seconds
        while True:  # another client may just be going away: the port serves one at a time
            try:
                self.socket.connect(path)
                return
            except (ConnectionRefusedError, FileNotFoundError, BlockingIOError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def lines(self):
        """What has arrived until now, at least one read; whole lines only."""
        received = self.socket.recv(65536)
        if not received:
            raise LabError("the port was closed")
        *lines, self.rest = (self.rest + received).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


class Commands(LineSocket):
    """Commands to a guest; answers that an earlier client left behind are passed over."""

    def __init__(self, path, seconds=180):
        super().__init__(path, seconds)
        self.waiting = []
        # A number no other client of this port has used: the port keeps what nobody read.
        self.count = time.monotonic_ns()

    def call(self, command, seconds=None):
        """Returns the lines a command printed; LabError when it failed or took too long."""
        self.count += 1
        mark = "%d " % self.count
        printed = []
        deadline = time.monotonic() + (seconds or self.seconds)
        self.send(mark + command)
        while True:
            if not self.waiting:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise LabError("no answer to \"%s\"" % command)
                self.socket.settimeout(left)
                try:
                    self.waiting = self.lines()
                except TimeoutError:
                    continue
                except OSError as error:
                    raise LabError("no answer to \"%s\": %s" % (command, error))
            while self.waiting:
                line = self.waiting.pop(0)
                if not line.startswith(mark):
                    continue
                answer = line[len(mark):]
                if answer == "ok":
                    return printed
                if answer.startswith("error"):
                    raise LabError("\"%s\" in the guest: %s" % (
                        command, "\n".join(printed + [answer[6:]])))
                printed.append(answer[2:])
