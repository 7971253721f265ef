"""The authority's folder and its door: what it signs, what it refuses, and how it is kept."""

import datetime as dt
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from contract.config import ConfigError
from contract.errors import ContractError
from dashboard.enrolment_port import AuthorityAway
from hearthwatch.authority import certificates, keys
from hearthwatch.authority.asking import AskedAuthority
from hearthwatch.authority.door import SIGNED_PER_HOUR_MAX, Door, Signer
from tests.adapters.enrolment import Pi

NOW = dt.datetime(2026, 11, 29, 8, tzinfo=dt.UTC)
NOW_MS = int(NOW.timestamp() * 1000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.init(tmp_path / "authority", "hub.example", NOW)
    return tmp_path / "authority"


def nothing(_event: str, _detail: str) -> None: ...


def test_the_key_is_for_its_owner_alone(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "ca.key").stat().st_mode & 0o777 == 0o600
    (folder / "ca.key").chmod(0o640)
    with pytest.raises(ConfigError, match="others may read the authority's key: chmod 600"):
        keys.load(folder)


def test_a_credential_of_systemd_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given by an access list, whose mask shows as rights of the group."""
    (folder / "ca.key").chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert keys.load(folder).key
    (folder / "ca.key").chmod(0o444)
    with pytest.raises(ConfigError, match="others may read"):
        keys.load(folder)


def test_made_again_it_keeps_what_is_there(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert keys.init(folder, "hub.example", NOW) == []
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    # The broker's certificate alone is renewed by taking it away.
    (folder / "server.pem").unlink()
    assert keys.init(folder, "10.0.0.1", NOW) == ["server.key", "server.pem"]
    assert (folder / "ca.key").read_bytes() == before["ca.key"]


def test_a_lost_key_makes_no_second_authority(folder: Path) -> None:
    (folder / "ca.key").unlink()
    with pytest.raises(ConfigError, match=r"its ca\.key is not"):
        keys.init(folder, "hub.example", NOW)


def test_that_of_the_containers_will_do(tmp_path: Path) -> None:
    """deploy/prepare.py made one with openssl: the same folder is the authority's."""
    root = Path(__file__).resolve().parents[3]
    made = tmp_path / "secrets"
    command = ["python3", root / "deploy" / "prepare.py", "--host", "127.0.0.1", "--out", made]
    subprocess.run(command, check=True, capture_output=True)
    keys.init(made, "127.0.0.1", NOW)
    authority = keys.load(made)
    issued = certificates.for_gateway(*authority, "gw-1", Pi().request.encode(), NOW)
    got = x509.load_pem_x509_certificate(issued.pem.encode())
    got.verify_directly_issued_by(authority.certificate)


@pytest.mark.parametrize("name", ["hub", "HUB", "simulator", "", "a/b", "+", "g" * 55, "gw 1"])
def test_names_that_no_certificate_may_have(folder: Path, name: str) -> None:
    with pytest.raises(ContractError, match="bad_name"):
        certificates.for_gateway(*keys.load(folder), name, Pi().request.encode(), NOW)


def request_by(key: "ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey") -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gw-1")])
    signed = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def stolen_request() -> bytes:
    """With a key that the sender does not hold: the signature does not fit it."""
    der = bytearray(
        x509.load_pem_x509_csr(Pi().request.encode()).public_bytes(serialization.Encoding.DER)
    )
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    "request_",
    [
        request_by(rsa.generate_private_key(65537, 2048)),
        request_by(ec.generate_private_key(ec.SECP384R1())),
        stolen_request(),
        b"",
        b"x" * 9000,
        Pi().request.encode()[:200],
    ],
    ids=["rsa", "p-384", "not its key", "empty", "too large", "cut"],
)
def test_requests_that_are_refused(folder: Path, request_: bytes) -> None:
    with pytest.raises(ContractError, match="bad_request"):
        certificates.for_gateway(*keys.load(folder), "gw-1", request_, NOW)


def test_a_list_names_both_certificates(folder: Path) -> None:
    authority = keys.load(folder)
    issued = certificates.for_gateway(*authority, "gw-1", Pi().request.encode(), NOW)
    text = certificates.revocation_list(*authority, [(issued.serial, NOW_MS)], NOW)
    listed = x509.load_pem_x509_crl(text.encode())
    assert listed.is_signature_valid(authority.key.public_key())
    for pem in (issued.pem, issued.telemetry_pem):
        number = x509.load_pem_x509_certificate(pem.encode()).serial_number
        assert listed.get_revoked_certificate_by_serial_number(number) is not None
    # One that has expired would shut out every gateway at once.
    assert listed.next_update_utc is not None
    assert listed.next_update_utc - NOW > dt.timedelta(days=3000)


# The door.


@pytest.fixture
def door(folder: Path, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "socket"
    with Door(path, keys.load(folder), nothing) as door:
        thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield path
        door.shutdown()
        thread.join()


def test_the_hub_gets_what_it_asks_for(door: Path, folder: Path) -> None:
    asked = AskedAuthority(door)
    assert door.stat().st_mode & 0o777 == 0o660
    assert asked.certificate() == (folder / "ca.pem").read_text()
    issued = asked.sign("gw-1", Pi().request)
    assert "BEGIN CERTIFICATE" in issued.telemetry_pem
    assert "X509 CRL" in asked.revocation_list([(issued.serial, NOW_MS)])
    with pytest.raises(ContractError, match="a name of the hub's own"):
        asked.sign("hub", Pi().request)


def test_nobody_at_the_door(tmp_path: Path) -> None:
    with pytest.raises(AuthorityAway):
        AskedAuthority(tmp_path / "none").certificate()


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"1", b"{}", b'{"do":"key"}', b'{"do":"sign"}', b'{"do":"list"}',
     b'{"do":"list","revoked":[["zz",1]]}', b'{"do":"list","revoked":[[1]]}',
     b'{"do":"sign","gateway":[],"request":{}}', b"[" * 5000, b"\xff",
     b'{"do":"list","revoked":[["1",1e400]]}'],
)  # fmt: skip
def test_nonsense_is_answered(folder: Path, line: bytes) -> None:
    answer = Signer(keys.load(folder), lambda: NOW_MS, nothing).answer(line)
    assert set(answer) == {"error", "detail"}


def test_so_many_an_hour(folder: Path) -> None:
    now = [NOW_MS]
    signer = Signer(keys.load(folder), lambda: now[0], nothing)
    # Bad ones count: nobody tries names or requests for ever.
    bad = json.dumps({"do": "sign", "gateway": "hub", "request": ""}).encode()
    for _ in range(SIGNED_PER_HOUR_MAX):
        assert signer.answer(bad)["error"] == "bad_name"
    good = json.dumps({"do": "sign", "gateway": "gw-1", "request": Pi().request}).encode()
    assert signer.answer(good)["error"] == "too_many"
    now[0] += 3_600_000
    assert "pem" in signer.answer(good)
