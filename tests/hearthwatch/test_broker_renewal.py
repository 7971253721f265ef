"""The broker's certificate is renewed by one command, by the same authority, whole or again."""

import datetime as dt
import os
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from contract.config import ConfigError
from hearthwatch.__main__ import main
from hearthwatch.authority import certificates, keys
from hearthwatch.broker_renewal import renew

BROKER_UID = 1883
NOW = dt.datetime(2026, 11, 29, 8, tzinfo=dt.UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.init(tmp_path / "authority", "10.0.0.7", NOW)
    return tmp_path / "authority"


def held(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())


def names_of(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def pair_fits(folder: Path) -> bool:
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
    except ssl.SSLError:
        return False
    return True


def out_of(folder: Path) -> Path:
    out = folder.parent / "broker"
    out.mkdir(exist_ok=True)
    for name in ("server.pem", "server.key", "ca.pem"):
        (out / name).write_bytes((folder / name).read_bytes())
    return out


def test_name_and_authority_stay_and_all_else_is_new(folder: Path) -> None:
    before, out = held(folder), out_of(folder)
    authority = (folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes()
    later = NOW + dt.timedelta(days=800)
    assert "renewed, good until" in renew(folder, out, later)
    after = held(out)
    assert ((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes()) == authority
    assert after.serial_number != before.serial_number
    assert after.public_key() != before.public_key()
    assert after.not_valid_after_utc == later + dt.timedelta(days=825)
    san = x509.SubjectAlternativeName
    assert after.extensions.get_extension_for_class(
        san
    ) == before.extensions.get_extension_for_class(san)
    after.verify_directly_issued_by(keys.load(folder).certificate)
    assert pair_fits(folder)
    assert pair_fits(out)
    assert (out / "server.key").stat().st_mode & 0o777 == 0o600
    assert (out / "server.pem").stat().st_mode & 0o777 == 0o644


def test_a_timer_renews_in_its_time_alone(folder: Path) -> None:
    before = held(folder)
    assert "nothing is renewed" in renew(folder, None, NOW + dt.timedelta(days=734), within_days=90)
    assert held(folder) == before
    assert "renewed" in renew(folder, None, NOW + dt.timedelta(days=736), within_days=90)
    assert held(folder) != before


@pytest.mark.parametrize("cut", ["behind the key", "behind the folder"])
def test_what_was_cut_off_is_made_whole_by_the_next_run(folder: Path, cut: str) -> None:
    out = out_of(folder)
    if cut == "behind the key":
        keys.write(folder / "server.key", certificates.key_pem(certificates.new_key()), 0o600)
    else:
        renew(folder, None, NOW)
    renew(folder, out, NOW + dt.timedelta(days=1), within_days=90)
    assert pair_fits(folder)
    assert held(out) == held(folder)
    assert pair_fits(out)


@pytest.mark.parametrize("mode", [0o400, 0o444])
def test_a_broker_that_reads_the_authoritys_folder_reads_the_new_pair(
    folder: Path, mode: int
) -> None:
    """As deploy/prepare.py leaves it: the key is the broker's own user's, or without root open."""
    for name in ("server.key", "server.pem"):
        (folder / name).chmod(mode)
        if os.geteuid() == 0:
            os.chown(folder / name, BROKER_UID, BROKER_UID)
    before = held(folder)
    renew(folder, None, NOW)
    assert held(folder) != before
    for name in ("server.key", "server.pem"):
        found = (folder / name).stat()
        assert stat.S_IMODE(found.st_mode) == mode
        if os.geteuid() == 0:
            assert (found.st_uid, found.st_gid) == (BROKER_UID, BROKER_UID)


def test_another_name_by_option_and_none_without_a_certificate(folder: Path) -> None:
    renew(folder, None, NOW, host="hub.example")
    assert names_of(held(folder)).get_values_for_type(x509.DNSName) == ["hub.example"]
    (folder / "server.pem").unlink()
    with pytest.raises(ConfigError, match="--host"):
        renew(folder, None, NOW)


def test_it_does_not_outlive_the_authority_and_a_dead_one_signs_nothing(folder: Path) -> None:
    end = keys.load(folder).certificate.not_valid_after_utc
    renew(folder, None, end - dt.timedelta(days=100))
    assert held(folder).not_valid_after_utc == end
    with pytest.raises(ConfigError, match="is over"):
        renew(folder, None, end)


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = out_of(folder)
    where = ["--authority", str(folder), "--out", str(out)]
    assert main(["admin", "renew-broker", *where, "--within-days", "1"]) == 0
    assert "nothing is renewed" in capsys.readouterr().out
    assert main(["admin", "renew-broker", *where]) == 0
    assert "SIGHUP" in capsys.readouterr().out
    assert main(["admin", "renew-broker", "--authority", str(folder / "none")]) == 2
    assert "ca-init" in capsys.readouterr().err
