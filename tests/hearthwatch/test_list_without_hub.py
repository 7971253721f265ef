"""`hearthwatch admin crl` and `admin revoke` where the hub does not run: the list is as the book
has it, and what stands in the way is one line."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from hearthwatch.__main__ import main
from hearthwatch.authority import keys
from hearthwatch.authority.door import Door
from hearthwatch.clock import wall_ms
from ledger.gateway_certificates import issue_code, take_code
from tests.adapters.enrolment import LocalAuthority, Pi
from tests.adapters.hub_bench import Bench
from tests.adapters.sealed import sealed_file


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A book with an enrolled gateway and no hub; its authority runs."""
    keys.init(tmp_path / "authority", "127.0.0.1", LocalAuthority(wall_ms).now)
    (tmp_path / "hub.toml").write_text(
        'data_dir = "hub"\n[enrolment]\nauthority = "socket"\nurl = "https://hub.example"\n'
        'broker = "127.0.0.1:8883"\ncrl_file = "hub/crl.pem"\n'
    )
    bench = Bench(tmp_path, sealed_file(tmp_path / "hub" / "hub.db"))
    issued = LocalAuthority(wall_ms).sign("gw-1", Pi().request)
    bench.change(lambda unit: issue_code(unit, "gw-1", "digest", "installer-1", wall_ms()))
    bench.change(lambda unit: take_code(unit, "digest", issued, wall_ms()))
    bench.hub.close()
    door = Door(tmp_path / "socket", keys.load(tmp_path / "authority"), lambda _e, _d: None)
    thread = threading.Thread(target=door.serve_forever)
    thread.start()
    yield tmp_path
    door.shutdown()
    thread.join()
    door.server_close()


def listed(site: Path) -> int:
    found = x509.load_pem_x509_crl((site / "hub" / "crl.pem").read_bytes())
    return len(list(found))


def test_the_list_is_as_the_book_has_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(site / "hub.toml")]
    assert main(["admin", "crl", *config]) == 0, capsys.readouterr().err
    assert listed(site) == 0
    assert main(["admin", "revoke", "gw-1", "--reason", "stolen", *config]) == 0
    (site / "hub" / "crl.pem").unlink()
    assert main(["admin", "crl", *config]) == 0, capsys.readouterr().err
    # Both certificates of the gateway.
    assert listed(site) == 2


def test_what_stands_in_the_way_is_one_line(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(site / "hub.toml")]
    (site / "hub" / "hub.db").rename(site / "hub" / "elsewhere.db")
    for leftover in (site / "hub").glob("hub.db-*"):
        leftover.unlink()
    assert main(["admin", "crl", *config]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "there is no book" in told
    # None was made by looking.
    assert not (site / "hub" / "hub.db").exists()


def test_an_authority_that_does_not_run_is_said(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (site / "hub.toml").read_text().replace('"socket"', '"nobody"')
    (site / "hub.toml").write_text(text)
    assert main(["admin", "crl", "--config", str(site / "hub.toml")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "does not answer" in told
    # A stolen gateway is revoked in the book all the same.
    assert (
        main(["admin", "revoke", "gw-1", "--reason", "stolen", "--config", str(site / "hub.toml")])
        == 2
    )
    told = capsys.readouterr().err
    assert "1 certificates of gw-1 are revoked in the book" in told
    assert "admin crl" in told
