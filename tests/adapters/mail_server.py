"""A small mail server on a free port: takes what it is told to take, refuses what it is told to."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """`refuses`: by recipient, the whole answer to RCPT."""

    refuses: dict[str, str] = field(default_factory=dict)
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    greeting: str = "220 test"
    port: int = 0


@contextmanager
def mail_server(server: MailServer) -> Iterator[MailServer]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say(server.greeting)
            sender, to = "", []
            while line := self.rfile.readline():
                word, _, rest = line.decode().strip().partition(" ")
                match word.upper():
                    case "EHLO" | "HELO":
                        self._say("250 test")
                    case "MAIL":
                        sender = _address(rest)
                        self._say("250 ok")
                    case "RCPT":
                        refused = server.refuses.get(_address(rest))
                        to += [] if refused else [_address(rest)]
                        self._say(refused or "250 ok")
                    case "DATA":
                        self._say("354 go on")
                        server.mails.append((sender, to, self._mail()))
                        self._say("250 2.0.0 taken")
                    case "QUIT":
                        self._say("221 bye")
                        return
                    case _:
                        self._say("250 ok")

        def _mail(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b"."))
            return b"".join(lines)

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    listening = Server(("127.0.0.1", 0), Handler)
    server.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def _address(text: str) -> str:
    return text.partition("<")[2].partition(">")[0]
