"""What a gateway enrols at: a hub's addresses over TLS, with an authority of its own."""

import http.server
import json
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

from contract.enrolment import EnrolmentCode, parse_code
from contract.moment import to_iso
from hearthwatch.authority import certificates, keys
from tests.adapters.enrolment import LocalAuthority

NOW_MS = int(datetime(2026, 11, 29, 8, tzinfo=UTC).timestamp() * 1000)
DAY_MS = 86_400_000
TOKEN = "t" * 43


class FakeHub:
    """A hub's three addresses over TLS, by the real authority's functions; `at_ms` is its time."""

    def __init__(self, folder: Path) -> None:
        self.at_ms = NOW_MS
        self.authority = LocalAuthority(lambda: self.at_ms)
        self.asked: list[tuple[str, dict]] = []
        self.refusal: tuple[int, dict] | None = None
        self.lose_answers = 0
        self.more: dict[str, object] = {}
        server_key = certificates.new_key()
        name = keys.name_of("127.0.0.1")
        now = datetime.now(tz=UTC)  # noqa: TID251 - the TLS library's own clock judges
        pem = certificates.for_server(
            self.authority.x509, self.authority.key, server_key, name, now
        )
        (folder / "server.pem").write_text(
            certificates.pem_of(pem) + certificates.key_pem(server_key).decode()
        )
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shown = {"authority": hub.authority.certificate(), "at": to_iso(hub.at_ms)}
                self.answer(200, shown)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hub.asked.append((self.path, body))
                if hub.refusal is not None:
                    self.answer(*hub.refusal)
                    return
                issued = hub.authority.sign("gw-0001", body["request"])
                if hub.lose_answers:
                    hub.lose_answers -= 1
                    self.close_connection = True
                    return
                self.answer(201, hub.issued(issued))

            def answer(self, status: int, document: dict) -> None:
                text = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_arguments: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def issued(self, issued: certificates.Issued) -> dict:
        return {
            "gateway": "gw-0001",
            "serial": issued.serial,
            "certificate": issued.pem,
            "telemetry_certificate": issued.telemetry_pem,
            "authority": self.authority.certificate(),
            "not_before": to_iso(issued.not_before_ms),
            "not_after": to_iso(issued.not_after_ms),
            "url": self.url,
            "broker_host": "127.0.0.1",
            "broker_port": 8883,
            "key": "key-of-the-second-path",
            **self.more,
        }

    def code(self) -> EnrolmentCode:
        pinned = certificates.fingerprint(self.authority.x509)
        text = EnrolmentCode(
            url=self.url, gateway="gw-0001", token=TOKEN, fingerprint=pinned
        ).text()
        return parse_code(text)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
