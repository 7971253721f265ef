"""What an installer is told when it does not work, and what is on the card when it does."""

import asyncio
import http.server
import json
import os
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from contract.config import ConfigError
from contract.enrolment import EnrolmentCode, parse_code
from contract.errors import ContractError
from contract.moment import to_iso
from gateway.config import load
from gateway.enrol import hub_calls, identity
from gateway.enrol.hub_calls import EnrolmentFailed
from gateway.enrol.renewal import Renewal
from gateway.enrol.steps import enrol, renew
from hearthwatch.authority import certificates, keys
from tests.adapters.enrolment import LocalAuthority

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
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


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    hub = FakeHub(tmp_path)
    yield hub
    hub.close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


async def test_what_is_on_the_card(hub: FakeHub, spool: Path, tmp_path: Path) -> None:
    held = await enrol(spool, hub.code(), NOW_MS)
    assert (held.gateway, held.url) == ("gw-0001", hub.url)
    for path in held.folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    assert (spool / "identity").stat().st_mode & 0o777 == 0o700
    # The key was never sent.
    (sent,) = [json.dumps(body) for _path, body in hub.asked]
    assert held.key_file.read_text().splitlines()[1] not in sent
    # gateway.toml needs to say no more than this.
    config = tmp_path / "gateway.toml"
    config.write_text('gateway = "gw-0001"\ndata_dir = "spool"\n[uplink]\nenrolled = true\n')
    found = load(config)
    assert (found.uplink.host, found.uplink.port, found.uplink.tls) == ("127.0.0.1", 8883, True)
    assert found.uplink.telemetry_cert_file == held.telemetry_cert_file
    assert found.second_path.https is not None
    assert found.second_path.https.key == "key-of-the-second-path"


async def test_how_the_broker_is_spoken_to_is_the_hubs_to_say(
    hub: FakeHub, spool: Path, tmp_path: Path
) -> None:
    """A hub of before says nothing of it, and has mosquitto."""
    config = tmp_path / "gateway.toml"
    config.write_text('gateway = "gw-0001"\ndata_dir = "spool"\n[uplink]\nenrolled = true\n')
    held = await enrol(spool, hub.code(), NOW_MS)
    uplink = load(config).uplink
    assert (uplink.protocol, uplink.keep_session) == ("5", True)
    # Another broker is heard of with the next certificate.
    hub.more = {"protocol": "3.1.1", "keep_session": False}
    await renew(spool, held)
    uplink = load(config).uplink
    assert (uplink.protocol, uplink.keep_session) == ("3.1.1", False)
    # A hub of a later time may ask for what this program can't: it stays as it is.
    hub.more = {"protocol": "6"}
    error = await failure(lambda: renew(spool, held))
    assert error.code == "bad_answer"
    assert load(config).uplink == uplink


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('host = "h"', "uplink.host: not with enrolled = true"),
        ('password_file = "p"', "uplink.password_file: not with enrolled"),
    ],
)
async def test_no_two_masters(
    hub: FakeHub, spool: Path, tmp_path: Path, more: str, said: str
) -> None:
    await enrol(spool, hub.code(), NOW_MS)
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'gateway = "gw-0001"\ndata_dir = "spool"\n[uplink]\nenrolled = true\n{more}\n'
    )
    with pytest.raises(ConfigError, match=said):
        load(config)
    config.write_text('gateway = "gw-2"\ndata_dir = "spool"\n[uplink]\nenrolled = true\n')
    with pytest.raises(ConfigError, match="this machine is enrolled as 'gw-0001'"):
        load(config)


def test_not_enrolled(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('gateway = "gw-0001"\ndata_dir = "spool"\n[uplink]\nenrolled = true\n')
    with pytest.raises(ConfigError, match="this machine is not enrolled"):
        load(config)


async def failure(attempt: "Callable[[], object]") -> EnrolmentFailed:
    with pytest.raises(EnrolmentFailed) as caught:
        await attempt()  # type: ignore[misc]
    return caught.value


@pytest.mark.parametrize(("days", "word"), [(-400, "400 days behind"), (300, "300 days ahead")])
async def test_a_wrong_clock_is_named_and_costs_no_code(
    hub: FakeHub, spool: Path, days: int, word: str
) -> None:
    error = await failure(lambda: enrol(spool, hub.code(), NOW_MS + days * DAY_MS))
    assert error.code == "clock"
    assert word in str(error)
    assert "use the same code again" in str(error)
    assert hub.asked == []


async def test_another_hub_gets_no_code(hub: FakeHub, spool: Path) -> None:
    """Somebody on the line shows an authority of his own: the code is not sent to him."""
    code = hub.code()
    hub.authority = LocalAuthority(lambda: NOW_MS)
    error = await failure(lambda: enrol(spool, code, NOW_MS))
    assert error.code == "wrong_hub"
    assert "another fingerprint" in str(error)
    assert hub.asked == []


async def test_the_right_authority_shown_by_a_stranger(hub: FakeHub, spool: Path) -> None:
    """He repeats the hub's authority, which is no secret, and has no certificate by it."""
    stranger = LocalAuthority(lambda: NOW_MS)
    hub.authority.x509, shown = stranger.x509, hub.authority.x509
    code = hub.code()
    hub.authority.certificate = lambda: certificates.pem_of(stranger.x509)  # type: ignore[method-assign]
    error = await failure(lambda: enrol(spool, code, NOW_MS))
    assert error.code == "wrong_hub"
    assert "does not prove to be this hub" in str(error)
    assert hub.asked == []
    assert shown != stranger.x509


async def test_what_the_hub_says_reaches_the_installer(hub: FakeHub, spool: Path) -> None:
    hub.refusal = (409, {"type": "code_used", "detail": "this code was used already"})
    error = await failure(lambda: enrol(spool, hub.code(), NOW_MS))
    assert (error.code, "this code was used already" in str(error)) == ("code_used", True)


async def test_nobody_there(spool: Path) -> None:
    code = EnrolmentCode(
        url="https://127.0.0.1:1", gateway="gw-0001", token=TOKEN, fingerprint=bytes(32)
    )
    error = await failure(lambda: enrol(spool, code, NOW_MS))
    assert error.code == "unreachable"
    assert "is the line up?" in str(error)


async def test_a_code_in_the_clear_goes_to_no_other_machine(spool: Path) -> None:
    code = EnrolmentCode(
        url="http://hub.example", gateway="gw-0001", token=TOKEN, fingerprint=bytes(32)
    )
    assert "only https" in str(await failure(lambda: enrol(spool, code, NOW_MS)))


async def test_a_lost_answer_is_asked_for_by_the_same_key(hub: FakeHub, spool: Path) -> None:
    hub.lose_answers = 1
    await failure(lambda: enrol(spool, hub.code(), NOW_MS))
    await enrol(spool, hub.code(), NOW_MS)
    first, second = (body["request"] for _path, body in hub.asked)
    assert first == second


async def test_the_key_is_on_the_disk_before_anybody_certifies_it(
    hub: FakeHub, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut right after an answer leaves no certificate without its key."""
    synced: set[int] = set()
    sync, ask = os.fsync, hub_calls.ask

    def noted(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        sync(handle)

    def asked(url: str, path: str, body: dict, ca_file: Path) -> object:
        (key,) = spool.rglob("key.pem")
        assert key.stat().st_ino in synced
        assert key.parent.stat().st_ino in synced
        return ask(url, path, body, ca_file)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(hub_calls, "ask", asked)
    await enrol(spool, hub.code(), NOW_MS)


@pytest.mark.parametrize("name", ["key.pem", "request.pem"])
async def test_what_a_power_cut_left_empty_is_made_anew(
    hub: FakeHub, spool: Path, name: str
) -> None:
    """Or its certificate could never be renewed."""
    hub.lose_answers = 1
    await failure(lambda: enrol(spool, hub.code(), NOW_MS))
    (identity.pending(spool, TOKEN) / name).write_bytes(b"")
    held = await enrol(spool, hub.code(), NOW_MS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(held.cert_file, held.key_file)


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (lambda text: text[:-3], "a part is cut"),
        (lambda text: text.rpartition(".")[0], "not copied whole"),
        (lambda text: text.partition("#")[2], "a code looks like"),
        (lambda text: "ftp" + text[5:], "a code looks like"),
        (lambda text: text.replace("gw-0001", "网关"), "three parts"),
        (lambda text: text + "x" * 500, "at most"),
    ],
)
def test_a_code_that_was_not_copied_whole(cut: Callable[[str], str], said: str) -> None:
    text = EnrolmentCode(
        url="https://hub.example", gateway="gw-0001", token=TOKEN, fingerprint=bytes(32)
    ).text()
    assert parse_code(f"  {text}\n").gateway == "gw-0001"
    with pytest.raises(ContractError, match=said):
        parse_code(cut(text))


# Renewal.


class Kept:
    """A gateway's renewal with its time by hand."""

    def __init__(self, spool: Path) -> None:
        self.at_ms = NOW_MS
        self.renewed = 0
        self.troubles: list[str] = []
        self.part = Renewal(
            spool,
            now_ms=lambda: self.at_ms,
            renewed=self._renewed,
            trouble=self.troubles.append,
            log=lambda _event, _detail: None,
        )

    def _renewed(self) -> None:
        self.renewed += 1


@pytest.mark.parametrize("days", [61, 120])
async def test_renewed_at_two_thirds_and_also_when_it_is_over(
    hub: FakeHub, spool: Path, days: int
) -> None:
    before = await enrol(spool, hub.code(), NOW_MS)
    old_key = before.key_file.read_bytes()
    kept = Kept(spool)
    kept.at_ms = hub.at_ms = NOW_MS + 59 * DAY_MS
    assert await kept.part.look()
    assert kept.renewed == 0
    kept.at_ms = hub.at_ms = NOW_MS + days * DAY_MS
    assert await kept.part.look()
    after = identity.load(spool)
    assert kept.renewed == 1
    assert after.serial != before.serial
    assert after.not_after_ms > before.not_after_ms
    assert after.key_file.read_bytes() != old_key, "a new key"
    assert after.second_path_key == before.second_path_key
    # By proof of the old key over this very request.
    path, body = hub.asked[-1]
    assert (path, body["serial"]) == ("/api/v1/enrolment/renewal", before.serial)
    # Certificate and key fit, seen through the link that connections go by.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(after.cert_file, after.key_file)
    context.load_cert_chain(after.telemetry_cert_file, after.key_file)
    certificate = x509.load_pem_x509_certificate(after.cert_file.read_bytes())
    assert format(certificate.serial_number, "x") == after.serial


@pytest.mark.parametrize("name", ["hub.json", "key.pem", "second-path-key"])
async def test_a_card_that_lost_a_file_goes_back_to_the_one_before(
    hub: FakeHub, spool: Path, name: str
) -> None:
    before = await enrol(spool, hub.code(), NOW_MS)
    kept = Kept(spool)
    kept.at_ms = hub.at_ms = NOW_MS + 61 * DAY_MS
    assert await kept.part.look()
    newest = identity.load(spool)
    (newest.folder / name).write_bytes(b"")
    found = identity.load(spool)
    assert (found.serial, found.gateway) == (before.serial, "gw-0001")
    assert found.key_file == newest.key_file, "through the link that connections go by"
    # And gets another certificate as if nothing had been.
    assert await kept.part.look()
    assert identity.load(spool).serial not in (before.serial, newest.serial)


async def test_what_is_not_renewed_is_told_once_and_taken_back(hub: FakeHub, spool: Path) -> None:
    await enrol(spool, hub.code(), NOW_MS)
    kept = Kept(spool)
    hub.refusal = (503, {"type": "authority_away", "detail": "try again"})
    kept.at_ms = hub.at_ms = NOW_MS + 62 * DAY_MS
    assert not await kept.part.look()
    assert kept.troubles == [], "there is a month left"
    kept.at_ms = hub.at_ms = NOW_MS + 80 * DAY_MS
    for _ in range(3):
        assert not await kept.part.look()
    assert len(kept.troubles) == 1
    assert "try again" in kept.troubles[0]
    hub.refusal = None
    assert await kept.part.look()
    assert kept.troubles[1:] == [""]


async def test_what_a_program_before_told_is_taken_back(hub: FakeHub, spool: Path) -> None:
    """Whoever mends a gateway restarts it."""
    await enrol(spool, hub.code(), NOW_MS)
    kept = Kept(spool)
    kept.at_ms = hub.at_ms = NOW_MS + 80 * DAY_MS
    assert await kept.part.look()
    assert kept.troubles == [""]


async def test_old_identities_go(hub: FakeHub, spool: Path) -> None:
    await enrol(spool, hub.code(), NOW_MS)
    kept = Kept(spool)
    for round_ in range(1, 4):
        kept.at_ms = hub.at_ms = NOW_MS + round_ * 61 * DAY_MS
        assert await kept.part.look()
    folders = [p for p in (spool / "identity").iterdir() if p.is_dir() and not p.is_symlink()]
    assert len(folders) == identity.KEPT
    await asyncio.sleep(0)
