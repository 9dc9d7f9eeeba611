"""Reads a few bytes of an NBD export: the oldest part of the protocol, so that the judge of a point
shares no code with what is judged (github.com/NetworkBlockDevice/nbd, doc/proto.md)."""
import socket
import struct

REQUEST, SIMPLE_REPLY = 0x25609513, 0x67446698


def _receive(client, size):
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            raise OSError("the NBD server closed the connection")
        data += part
    return data


def read(path, export, offset, length):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(180)
        client.connect(path)
        if _receive(client, 18)[:16] != b"NBDMAGICIHAVEOPT":
            raise OSError("no NBD server at " + path)
        name = export.encode()
        client.sendall(struct.pack(">I8sII", 3, b"IHAVEOPT", 1, len(name)) + name)
        _receive(client, 10)
        client.sendall(struct.pack(">IHHQQI", REQUEST, 0, 0, 1, offset, length))
        magic, error, _ = struct.unpack(">IIQ", _receive(client, 16))
        if magic != SIMPLE_REPLY or error:
            raise OSError("NBD read failed: error %d" % error)
        data = _receive(client, length)
        client.sendall(struct.pack(">IHHQQI", REQUEST, 0, 2, 2, 0, 0))
        return data
