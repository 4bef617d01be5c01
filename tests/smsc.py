"""An SMS centre for tests: as much of SMPP 3.4 as Kannel asks of one that it binds to as a transceiver."""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.serving import serving

BIND, SUBMIT, DELIVER, ENQUIRE, UNBIND, ANSWER = 0x9, 0x4, 0x5, 0x15, 0x6, 0x80000000
RECEIPT = 0x04
"""esm_class of a delivery receipt (SMPP 3.4, 5.2.12)."""


@dataclass(slots=True)
class Smsc:
    """`sent`: (to, text) of every message that was submitted. `refuse`: the command_status of the answers to submissions."""

    port: int = 0
    sent: list[tuple[str, str]] = field(default_factory=list)
    refuse: int = 0
    bound: threading.Event = field(default_factory=threading.Event)
    line: socket.socket | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = 0

    def text(self, sender: str, to: str, body: str) -> None:
        """A telephone sends a text."""
        self._deliver(sender, to, body, 0)

    def receipt(self, message: int, state: str) -> None:
        """Tells of the message of that position in `sent`: DELIVRD, UNDELIV … (SMPP 3.4, appendix B)."""
        to, _ = self.sent[message]
        said = f"id:{message + 1} sub:001 dlvrd:001 submit date:2603011205 done date:2603011206 stat:{state} err:000 text:x"
        self._deliver(to, "1234", said, RECEIPT)

    def _deliver(self, sender: str, to: str, body: str, esm_class: int) -> None:
        assert self.line is not None
        self.number += 1
        text = body.encode("latin-1")
        content = b"\0" + b"\1\1" + sender.lstrip("+").encode() + b"\0" + b"\1\1" + to.lstrip("+").encode() + b"\0"
        content += bytes([esm_class, 0, 0]) + b"\0\0" + bytes([0, 0, 0, 0, len(text)]) + text
        self.answer(self.line, DELIVER, 0, 1000 + self.number, content)

    def answer(self, line: socket.socket, command: int, status: int, number: int, body: bytes = b"") -> None:
        with self.lock:
            line.sendall(struct.pack(">IIII", 16 + len(body), command, status, number) + body)

    def handle(self, line: socket.socket, command: int, number: int, body: bytes) -> None:
        match command:
            case _ if command == BIND:
                self.line = line
                self.answer(line, BIND | ANSWER, 0, number, b"smsc\0")
                self.bound.set()
            case _ if command == SUBMIT:
                if not self.refuse:
                    self.sent.append(_submitted(body))
                self.answer(line, SUBMIT | ANSWER, self.refuse, number, b"" if self.refuse else f"{len(self.sent)}\0".encode())
            case _ if command in (ENQUIRE, UNBIND):
                self.answer(line, command | ANSWER, 0, number)


def _submitted(body: bytes) -> tuple[str, str]:
    _, rest = body.split(b"\0", 1)
    _, rest = rest[2:].split(b"\0", 1)
    to, rest = rest[2:].split(b"\0", 1)
    _, rest = rest[3:].split(b"\0", 1)
    _, rest = rest.split(b"\0", 1)
    return to.decode(), rest[5 : 5 + rest[4]].decode("latin-1")


@contextmanager
def smsc() -> Iterator[Smsc]:
    """One on a free port."""
    centre = Smsc()

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while head := self._read(16):
                length, command, _, number = struct.unpack(">IIII", head)
                centre.handle(self.request, command, number, self._read(length - 16))

        def _read(self, count: int) -> bytes:
            found = b""
            while len(found) < count:
                more = self.request.recv(count - len(found))
                if not more:
                    return b""
                found += more
            return found

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Line) as server:
        centre.port = server.server_address[1]
        with serving(server):
            yield centre
