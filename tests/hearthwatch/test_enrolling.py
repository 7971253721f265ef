"""What keeps the broker's list of revoked certificates outlives a book that is away."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert, update

from contract.errors import ContractError
from hearthwatch import enrolling as enrolling_module
from hearthwatch.broker_config import BrokerConfig, RabbitConfig
from hearthwatch.broker_session import session_config
from ledger.schema import GATEWAY_CERTIFICATE
from tests.adapters.enrolment import NOBODY, LocalAuthority, Pi, local_enrolment
from tests.adapters.processes import until

RABBIT = BrokerConfig(port=1, rabbitmq=RabbitConfig())
NOW_MS = 1_795_363_200_000
ROW = {
    "key_digest": "",
    "how": "enrolled",
    "issued_at_ms": NOW_MS,
    "not_before_ms": NOW_MS,
    "not_after_ms": NOW_MS,
    "pem": "",
    "telemetry_pem": "",
}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Engine]:
    """With the table of certificates, and none in it."""
    made = create_engine(f"sqlite:///{tmp_path / 'book.db'}")
    GATEWAY_CERTIFICATE.create(made)
    yield made
    made.dispose()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose sessions at the broker were ended."""
    names: list[str] = []

    async def end(_broker: object, client_id: str) -> None:
        names.append(client_id)

    monkeypatch.setattr(enrolling_module, "end_session", end)
    return names


async def test_a_book_that_is_away_does_not_end_the_hub(tmp_path: Path) -> None:
    """The part that ends takes the whole hub with it."""
    book = create_engine(f"sqlite:///{tmp_path / 'book.db'}")
    enrolling = local_enrolment(tmp_path, LocalAuthority(lambda: NOW_MS), book, object())
    part = asyncio.create_task(enrolling.run())
    await until(lambda: enrolling.state != "ok", "the book can't be read")
    assert not part.done()
    assert not (tmp_path / "crl.pem").exists()
    GATEWAY_CERTIFICATE.create(book)
    enrolling.revoked("gw-0001")
    await until(lambda: enrolling.state == "ok", "the book is back")
    assert (tmp_path / "crl.pem").exists()
    part.cancel()
    await asyncio.gather(part, return_exceptions=True)
    book.dispose()


async def test_who_was_revoked_by_the_command_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book: Engine, ended: list[str]
) -> None:
    """The broker reads its list for new connections only."""
    with book.begin() as connection:
        old = {"serial": "a0", "gateway": "gw-0001", "revoked_at_ms": NOW_MS, **ROW}
        good = {"serial": "b0", "gateway": "gw-0002", "revoked_at_ms": None, **ROW}
        connection.execute(insert(GATEWAY_CERTIFICATE), [old, good])
    monkeypatch.setattr(enrolling_module, "LOOK_S", 0.01)
    later = NOW_MS + enrolling_module.JUST_REVOKED_MS
    authority = LocalAuthority(lambda: NOW_MS)
    enrolling = local_enrolment(tmp_path, authority, book, object(), now_ms=lambda: later)
    part = asyncio.create_task(enrolling.run())
    await until((tmp_path / "crl.pem").exists, "the first list")
    with book.begin() as connection:
        revoked = update(GATEWAY_CERTIFICATE).where(GATEWAY_CERTIFICATE.c.serial == "b0")
        connection.execute(revoked.values(revoked_at_ms=NOW_MS))
    await until(lambda: len(ended) >= 2, "let go")
    assert ended[:2] == ["gw-0002", "gw-0002/telemetry"]
    part.cancel()
    await asyncio.gather(part, return_exceptions=True)


async def test_who_was_revoked_when_the_hub_before_went_is_let_go_by_the_next(
    tmp_path: Path, book: Engine, ended: list[str]
) -> None:
    """One process wrote it into the book, and the one that ends sessions was killed then."""
    with book.begin() as connection:
        new = {"serial": "a0", "gateway": "gw-0001", "revoked_at_ms": NOW_MS - 60_000, **ROW}
        old = {"serial": "b0", "gateway": "gw-0002", "revoked_at_ms": NOW_MS - 3_600_000, **ROW}
        connection.execute(insert(GATEWAY_CERTIFICATE), [new, old])
    authority = LocalAuthority(lambda: NOW_MS)
    enrolling = local_enrolment(tmp_path, authority, book, object(), now_ms=lambda: NOW_MS)
    part = asyncio.create_task(enrolling.run())
    await until(lambda: len(ended) >= 2, "let go")
    assert ended == ["gw-0001", "gw-0001/telemetry"]
    part.cancel()
    await asyncio.gather(part, return_exceptions=True)


async def test_who_is_revoked_during_a_look_does_not_wait_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book: Engine, ended: list[str]
) -> None:
    monkeypatch.setattr(enrolling_module, "LOOK_S", 3600.0)
    enrolling = local_enrolment(tmp_path, LocalAuthority(lambda: NOW_MS), book, object())
    write, loop = enrolling._write_list, asyncio.get_running_loop()

    def written() -> object:
        done = write()
        if not ended and not enrolling._out:
            loop.call_soon_threadsafe(enrolling.revoked, "gw-0001")
        return done

    monkeypatch.setattr(enrolling, "_write_list", written)
    part = asyncio.create_task(enrolling.run())
    await until(lambda: bool(ended), "let go")
    part.cancel()
    await asyncio.gather(part, return_exceptions=True)


async def test_at_rabbitmq_the_hub_comes_as_the_gateway_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book: Engine
) -> None:
    ended: list[str] = []
    logged: list[str] = []

    async def end(_config: object, proof: ssl.SSLContext, client_id: str) -> None:
        assert proof.verify_mode is ssl.CERT_REQUIRED
        ended.append(client_id)

    monkeypatch.setattr(enrolling_module, "end_certified", end)
    monkeypatch.setattr(enrolling_module, "AGAIN_S", (0.0, 0.01))
    authority = LocalAuthority(lambda: NOW_MS)
    enrolling = local_enrolment(
        tmp_path, authority, book, object(),
        broker=RABBIT, log=lambda event, _detail: logged.append(event),
    )  # fmt: skip
    part = asyncio.create_task(enrolling.run())
    await until((tmp_path / "crl.pem").exists, "the first list")
    enrolling.revoked("gw-0001")
    await until(lambda: len(ended) == 4, "let go, and again")
    assert ended[:2] == ["gw-0001", "gw-0001-t"]
    assert not logged
    # An authority that is away is told of, and ends nothing.
    monkeypatch.setattr(authority, "sign", lambda *_asked: authority._here())
    enrolling.revoked("gw-0002")
    authority.away = True
    await until(lambda: "session_not_ended" in logged, "it is told")
    assert not part.done()
    part.cancel()
    await asyncio.gather(part, return_exceptions=True)


@pytest.mark.parametrize(("broker", "said"), [(NOBODY, ("5", True)), (RABBIT, ("3.1.1", False))])
def test_a_gateway_is_told_how_the_broker_is_spoken_to(
    tmp_path: Path, broker: BrokerConfig, said: tuple[str, bool]
) -> None:
    authority = LocalAuthority(lambda: NOW_MS)
    place = local_enrolment(tmp_path, authority, object(), object(), broker=broker).place()
    assert (place["protocol"], place["keep_session"]) == said


@pytest.mark.parametrize("name", ["urgent", "readings", "test"])
def test_no_gateway_takes_the_hubs_own_sessions(tmp_path: Path, name: str) -> None:
    taken = session_config(BrokerConfig(port=1), name, ("activation",), 1).client_id
    enrolling = local_enrolment(tmp_path, LocalAuthority(lambda: NOW_MS), object(), object())
    with pytest.raises(ContractError, match="the hub's own"):
        enrolling.code(taken, "t" * 43)
    with pytest.raises(ContractError, match="the hub's own"):
        enrolling.sign(taken, Pi().request)
    assert enrolling.sign("gw-0001", Pi().request).serial
