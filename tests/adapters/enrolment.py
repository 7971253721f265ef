"""An authority in the test's own process, and machines with keys of their own."""

import base64
import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contract.enrolment import renewal_message
from dashboard.enrolment_port import AuthorityAway
from hearthwatch.authority import certificates
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.clock import wall_ms
from hearthwatch.enrolling import Enrolling
from hearthwatch.enrolment_config import EnrolmentConfig
from ledger.gateway_certificates import Issued

NOBODY = BrokerConfig(port=1)


class LocalAuthority:
    """Signs by the functions that the real process has, at the test's time."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.key = certificates.new_key()
        self.x509 = certificates.self_signed(self.key, self.now)
        self.away = False
        self.signed = 0

    @property
    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._now_ms() / 1000, tz=dt.UTC)

    def certificate(self) -> str:
        self._here()
        return certificates.pem_of(self.x509)

    def sign(self, gateway: str, request: str) -> Issued:
        self._here()
        self.signed += 1
        return certificates.for_gateway(self.x509, self.key, gateway, request.encode(), self.now)

    def revocation_list(self, revoked: Sequence[tuple[str, int]]) -> str:
        self._here()
        return certificates.revocation_list(self.x509, self.key, revoked, self.now)

    def _here(self) -> None:
        if self.away:
            raise AuthorityAway("away")


class Pi:
    """A machine with a key; `request` names somebody else, as a liar's would."""

    def __init__(self, says: str = "hub") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, says)])
        signed = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(says)]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.request = signed.public_bytes(serialization.Encoding.PEM).decode()

    def proof(self, serial: str, request: str) -> str:
        message = renewal_message(serial, request)
        return base64.b64encode(self.key.sign(message, ec.ECDSA(hashes.SHA256()))).decode()


def local_enrolment(
    folder: Path,
    authority: LocalAuthority,
    reader,
    objects,
    *,
    broker: BrokerConfig = NOBODY,
    log: Callable[[str, str], None] = lambda _event, _detail: None,
    now_ms: Callable[[], int] = wall_ms,
) -> Enrolling:
    config = EnrolmentConfig(
        authority=folder / "none",
        url="https://hub.example",
        broker_host="hub.example",
        broker_port=8883,
        crl_file=folder / "crl.pem",
    )
    return Enrolling(config, broker, reader, objects, log, authority=authority, now_ms=now_ms)
