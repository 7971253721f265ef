"""Presses that the hub has not acknowledged in time go by HTTPS too, and its answer counts."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contract.codec import encode_ack
from contract.config import ConfigError
from contract.envelope import Ack
from gateway.config import load
from gateway.second_path import https_post
from gateway.second_path.https_post import HttpsPath, HttpsSettings, post

ACK = encode_ack(Ack(spool="s", ids=["a"]))


class Web:
    """The hub's web address, with a certificate of its own authority."""

    def __init__(self, folder: Path) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.answer = (200, ACK)
        self.ca_file = folder / "ca.pem"
        key = folder / "key.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
                *("ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=hub"),
                *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
                *("-keyout", str(key), "-out", str(self.ca_file)),
            ],
            check=True,
            capture_output=True,
        )
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                web.requests.append((self.path, self.headers["Authorization"], body))
                status, text = web.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_arguments: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def settings(self, **changes: object) -> HttpsSettings:
        fields = {
            "url": f"https://127.0.0.1:{self.port}",
            "key": "the-key",
            "ca_file": self.ca_file,
        }
        return HttpsSettings(**{**fields, **changes})

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path)
    yield web
    web.close()


def test_the_envelope_goes_to_the_hub_s_address_with_the_key(web: Web) -> None:
    assert post(web.settings(), b'{"v": 1}') == (200, ACK)
    assert web.requests == [("/api/v1/activations", "Bearer the-key", b'{"v": 1}')]


def test_a_stranger_s_certificate_is_not_spoken_to(web: Web, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Web(tmp_path / "other")
    try:
        with pytest.raises(ssl.SSLCertVerificationError):
            post(web.settings(ca_file=other.ca_file), b"{}")
    finally:
        other.close()
    assert web.requests == []


class Waiting:
    """A lane with so many envelopes overdue."""

    def __init__(self, *envelopes: bytes) -> None:
        self.envelopes = list(envelopes)
        self.asked: list[tuple[float, int]] = []

    def overdue(self, after_s: float, limit: int) -> bytes | None:
        self.asked.append((after_s, limit))
        return self.envelopes[0] if self.envelopes else None


class Run:
    """The path at work with pauses that take no time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: HttpsSettings) -> None:
        self.lane = Waiting(b"one", b"two")
        self.acks: list[bytes] = []
        self.pauses: list[float] = []
        self.log: list[str] = []
        self.ended = asyncio.Event()
        self.pauses_max = 6
        self._sleep = asyncio.sleep
        monkeypatch.setattr(https_post.asyncio, "sleep", self.pause)
        self.path = HttpsPath(
            settings, self.lane, self.take, lambda e, d: self.log.append(f"{e} {d}")
        )

    def take(self, body: bytes) -> None:
        self.acks.append(body)
        self.lane.envelopes.pop(0)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) >= self.pauses_max:
            self.ended.set()
            await asyncio.get_running_loop().create_future()
        await self._sleep(0)

    async def until_the_end(self) -> None:
        task = asyncio.ensure_future(self.path.run())
        async with asyncio.timeout(60):
            await self.ended.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_answer_is_taken_as_the_acknowledgement(web: Web, monkeypatch) -> None:
    run = Run(monkeypatch, web.settings(after_s=7.0))
    await run.until_the_end()
    assert [body for _path, _key, body in web.requests] == [b"one", b"two"]
    assert run.acks == [ACK, ACK]
    assert run.lane.asked[0] == (7.0, https_post.ITEMS_MAX)
    assert set(run.pauses) == {https_post.LOOK_S}


@pytest.mark.parametrize("status", [401, 404, 422, 429, 500, 503])
async def test_a_refusal_is_no_acknowledgement_and_is_tried_again(
    web: Web, monkeypatch, status: int
) -> None:
    web.answer = (status, b"the-key was wrong")
    run = Run(monkeypatch, web.settings())
    run.pauses_max = 8
    await run.until_the_end()
    assert run.acks == []
    assert run.pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert str(status) in run.log[0]
    assert "the-key" not in "".join(run.log)


async def test_a_hub_that_is_away_is_tried_again(monkeypatch) -> None:
    run = Run(monkeypatch, HttpsSettings(url="https://127.0.0.1:1", key="the-key"))
    await run.until_the_end()
    assert (run.acks, run.pauses[:3]) == ([], [2.0, 4.0, 8.0])
    assert "second_path_failed" in run.log[0]


CONFIG = """
gateway = "gw-1"
data_dir = "spool"
[uplink]
host = "127.0.0.1"
[second_path]
url = "https://hub.example:8443/"
key_file = "key"
"""


def test_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("the-key\n")
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG)
    settings = load(path).second_path.https
    assert settings == HttpsSettings(url="https://hub.example:8443", key="the-key")
    assert "the-key" not in repr(settings)
    path.write_text(CONFIG.replace("https://hub.example:8443/", "http://127.0.0.1:8080"))
    assert load(path).second_path.https.url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("https://hub.example:8443/", "http://hub.example", "expected https://"),
        ("https://hub.example:8443/", "https://hub.example/path", "expected https://"),
        ("https://hub.example:8443/", "https://hub.example:x", "url"),
        ("https://hub.example:8443/", "hub.example", "expected https://"),
        ('key_file = "key"', 'key_file = "nokey"', "nokey"),
        ('key_file = "key"', "", "gateway-key"),
        ('key_file = "key"', 'key_file = "key"\nafter_s = 0', "after_s"),
        ('key_file = "key"', 'key_file = "key"\nafter = 3', "after_s"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    (tmp_path / "key").write_text("the-key\n")
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG.replace(old, new))
    with pytest.raises(ConfigError, match="second_path") as refusal:
        load(path)
    assert says in str(refusal.value)
