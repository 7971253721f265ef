"""The authority's folder: its key (0600), its certificate, the broker's, and the list of what is
revoked. Outside the book and of no use to the hub, which only knows the socket."""

import datetime as dt
import ipaddress
import os
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from contract.config import ConfigError
from hearthwatch.authority import certificates
from hearthwatch.authority.certificates import Key

# The names that deploy/prepare.py gives them: an installation with containers has them already.
AUTHORITY_KEY: Final = "ca.key"
AUTHORITY: Final = "ca.pem"
SERVER_KEY: Final = "server.key"
SERVER: Final = "server.pem"
LIST: Final = "crl.pem"


class Authority(NamedTuple):
    certificate: x509.Certificate
    key: Key


def load(folder: Path) -> Authority:
    """ConfigError says what is missing or open to others."""
    path = folder / AUTHORITY_KEY
    try:
        mode = path.stat().st_mode
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
    except OSError as error:
        detail = f"cannot read {error.filename}: {error.strerror}; hearthwatch admin ca-init"
        raise ConfigError(str(folder), detail) from error
    except (ValueError, TypeError) as error:
        raise ConfigError(str(folder), f"not a key and a certificate in PEM: {error}") from error
    # systemd gives a credential to its unit by an access list, whose mask stands where the group's
    # rights do.
    credential = os.environ.get("CREDENTIALS_DIRECTORY") == str(folder)
    if mode & (0o037 if credential else 0o077):
        raise ConfigError(str(path), "others may read the authority's key: chmod 600")
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise ConfigError(str(path), "not an EC key")
    if loaded.public_key() != certificate.public_key():
        raise ConfigError(str(folder), f"{AUTHORITY_KEY} is not the key of {AUTHORITY}")
    return Authority(certificate, loaded)


def init(folder: Path, host: str, now: dt.datetime) -> list[str]:
    """Make what is not there: authority, the broker's certificate for the name that gateways
    connect to, an empty list. Returns the names of the files that were made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = []
    if not (folder / AUTHORITY_KEY).exists():
        if (folder / AUTHORITY).exists():
            raise ConfigError(str(folder), f"{AUTHORITY} is there and its {AUTHORITY_KEY} is not")
        key = certificates.new_key()
        write(folder / AUTHORITY_KEY, certificates.key_pem(key), 0o600)
        pem = certificates.pem_of(certificates.self_signed(key, now))
        write(folder / AUTHORITY, pem.encode(), 0o644)
        made += [AUTHORITY_KEY, AUTHORITY]
    authority = load(folder)
    if not (folder / SERVER).exists():
        key = certificates.new_key()
        certificate = certificates.for_server(*authority, key, name_of(host), now)
        write(folder / SERVER_KEY, certificates.key_pem(key), 0o600)
        write(folder / SERVER, certificates.pem_of(certificate).encode(), 0o644)
        made += [SERVER_KEY, SERVER]
    if not (folder / LIST).exists():
        empty = certificates.revocation_list(*authority, [], now)
        write(folder / LIST, empty.encode(), 0o644)
        made.append(LIST)
    return made


def write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never open to others on the way."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(mode)
    fresh.replace(path)


def name_of(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
