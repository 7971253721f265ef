"""What an installer is told when it does not work, and what is on the card when it does."""

import json
import os
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.config import ConfigError
from contract.enrolment import EnrolmentCode, parse_code
from contract.errors import ContractError
from gateway.config import load
from gateway.enrol import hub_calls, identity
from gateway.enrol.hub_calls import EnrolmentFailed
from gateway.enrol.steps import enrol, renew
from hearthwatch.authority import certificates
from tests.adapters.enrolment import LocalAuthority
from tests.gateway.enrol.hub_over_tls import DAY_MS, NOW_MS, TOKEN, FakeHub

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


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
