"""A gateway's certificates are renewed in time, and what is not is told once."""

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from gateway.enrol import identity
from gateway.enrol.renewal import Renewal
from gateway.enrol.steps import enrol
from tests.gateway.enrol.hub_over_tls import DAY_MS, NOW_MS, FakeHub


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
