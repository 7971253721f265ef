"""A collector of syslog over TLS or TCP that speaks the framing of RFC 6587, and can be killed."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable

_FRAME = re.compile(rb"([1-9]\d*) ")
# RFC 5424, 6: what is before the words of a message.
HEADER = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<at>-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)"
    r" (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128})"
    r" (?P<id>[!-~]{1,32}) (?P<data>-) (?P<words>.*)\Z",
    re.DOTALL,
)


class LogCollector:
    """`messages`: what it has stored, whole ones alone. `context` None: plain TCP. `port`: after a
    restart the same."""

    def __init__(self, context: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._context = context
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = self._server.getsockname()[1]
        self.messages: list[str] = []
        self.wrong: list[str] = []
        # Called with each message as it is read; True: the process is killed there.
        self.kills: Callable[[str], bool] = lambda _message: False
        self.ends_its_half = True
        # Closes without TLS's own end.
        self.blunt = False
        self._lines: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def kill(self) -> None:
        """As SIGKILL does: what is in the kernel is lost, connections are reset."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def close(self) -> None:
        self.kill()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                line, _address = self._server.accept()
            except OSError:
                return
            self._lines.append(line)
            thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        try:
            if self._context is not None:
                line = self._context.wrap_socket(line, server_side=True)
                self._lines.append(line)
            self._read(line)
        except OSError as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
        finally:
            if self.ends_its_half:
                line.close()

    def _read(self, line: socket.socket) -> None:
        data = b""
        while True:
            frame = _FRAME.match(data)
            whole = frame is not None and len(data) >= frame.end() + int(frame[1])
            if frame is None or not whole:
                if frame is None and len(data) > 10:
                    raise OSError("no frame")
                some = line.recv(4096)
                if not some:
                    break
                data += some
                continue
            end = frame.end() + int(frame[1])
            message, data = data[frame.end() : end].decode(), data[end:]
            if self.kills(message):
                self.kill()
                return
            self.messages.append(message)
        if data:
            raise OSError("a message that was cut off")
        if self.ends_its_half and not self.blunt and isinstance(line, ssl.SSLSocket):
            line.unwrap()
