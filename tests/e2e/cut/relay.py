"""The load: the first guest counts on its disk and says each number when it is durable; each number
is carried to the next guest, which writes it to its own disk and repeats it, and so on.

At every instant a guest's disk holds at most what the one before it holds. One number at a time is
under way to each guest, and it is always the newest: so the guests stay as close to each other as
they can be, and a point that is not one instant has the best chance to be caught."""
import selectors
import threading

from labtest import expect

from cairnlab import channel


class Relay:
    def __init__(self, lab, names, disk="/dev/vda"):
        self.lab = lab
        self.names = names
        self.disk = disk
        self.ports = []
        self.newest = [0] * len(names)  # what each guest said last
        self.sent = [0] * len(names)  # what each guest was told last
        self.failure = None
        self.ending = False
        self.moved = threading.Condition()  # a guest said a number, or the relay failed

    def __enter__(self):
        for place, name in enumerate(self.names):
            with self.lab.commands(name) as commands:
                commands.call("start %s %s" % ("follow" if place else "counter", self.disk))
            path = self.lab.guest(name)["folder"] + "/data.sock"
            self.ports.append(channel.LineSocket(path, 180))
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        self.thread.join()
        for port in self.ports:
            port.socket.close()
        for place, name in enumerate(self.names):
            with self.lab.commands(name) as commands:
                commands.call("stop %s" % ("follow" if place else "counter"))

    def check(self):
        expect(not self.failure, "the relay failed: %s", self.failure)

    def wait_past(self, numbers, seconds):
        """Until every guest said a number above its own in `numbers`: its disk holds that one then."""
        with self.moved:
            self.moved.wait_for(lambda: self.failure or not self._still(numbers), seconds)
        self.check()
        expect(not self._still(numbers), "%s stood still for %d s", ", ".join(
            self._still(numbers)), seconds)

    def _still(self, numbers):
        return [name for place, name in enumerate(self.names)
                if self.newest[place] <= numbers[name]]

    def _run(self):
        try:
            with selectors.DefaultSelector() as selector:
                for place, port in enumerate(self.ports):
                    selector.register(port.socket, selectors.EVENT_READ, place)
                while not self.ending:
                    for key, _ in selector.select(0.2):
                        self._arrived(key.data)
        except Exception as failure:  # told by check() in the test's own thread
            with self.moved:
                self.failure = failure
                self.moved.notify_all()

    def _arrived(self, place):
        lines = self.ports[place].lines()
        if lines:
            with self.moved:
                self.newest[place] = int(lines[-1])
                self.moved.notify_all()
        for told in range(1, len(self.names)):
            idle = self.newest[told] == self.sent[told]
            if idle and self.newest[told - 1] > self.sent[told]:
                self.sent[told] = self.newest[told - 1]
                self.ports[told].send(str(self.sent[told]))
