"""What the authority signs. Nothing of a request is believed but its public key: the name comes
from the hub, and the rest is here.

A gateway has two connections and mosquitto makes the name of a certificate the client's id, so it
gets two certificates for one key:

    CN=gw-0001             activations, status, acknowledgements, commands
    CN=gw-0001/telemetry   hw/v1/gw-0001/telemetry and nothing else

The serial number of the first is even, that of the second the next one.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from contract.errors import ContractError
from contract.ids import check_name
from ledger.gateway_certificates import CERTIFICATE_DAYS, Issued

TELEMETRY = "/telemetry"
# A common name has at most 64 characters (RFC 5280, ub-common-name).
GATEWAY_LENGTH_MAX = 64 - len(TELEMETRY)
# Users of the broker with rights over all gateways: no certificate may be one of them.
RESERVED = frozenset({"hub", "simulator", "admin", "system"})
# Clocks of village machines and of the broker differ; a certificate is good at once.
BACKDATED = dt.timedelta(hours=1)
AUTHORITY_YEARS = 10
# The most that common TLS libraries take.
SERVER_DAYS = 825
# A list that has expired would make the broker refuse every gateway at once. It is written anew
# with every change and at every start of the hub, so its end means nothing.
LIST_DAYS = 3650
# A request for a P-256 key has about 500 bytes.
REQUEST_BYTES_MAX = 8 * 1024

Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 over the whole certificate; what a gateway pins."""
    return certificate.fingerprint(hashes.SHA256())


def self_signed(key: Key, now: dt.datetime) -> x509.Certificate:
    """The authority itself; it signs leaves and lists, no other authorities."""
    name = _name("hearthwatch authority")
    return (
        _builder(name, key.public_key(), now, now + dt.timedelta(days=365 * AUTHORITY_YEARS))
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def for_server(
    authority: x509.Certificate, key: Key, server_key: Key, host: x509.GeneralName, now: dt.datetime
) -> x509.Certificate:
    """The broker's own; it can be nobody's client. It does not outlive who has signed it: what it
    says of its end would not be true."""
    until = min(now + dt.timedelta(days=SERVER_DAYS), authority.not_valid_after_utc)
    builder = _builder(
        _name("hearthwatch broker"), server_key.public_key(), now, until
    ).add_extension(x509.SubjectAlternativeName([host]), critical=False)
    return _leaf(builder, authority, key, server_key.public_key(), ExtendedKeyUsageOID.SERVER_AUTH)


def key_of_request(request: bytes) -> ec.EllipticCurvePublicKey:
    """The key that a request asks for, which it must hold; ContractError."""
    if len(request) > REQUEST_BYTES_MAX:
        raise ContractError("bad_request", f"a request has at most {REQUEST_BYTES_MAX} bytes")
    try:
        parsed = x509.load_pem_x509_csr(request)
        key = parsed.public_key()
        good = parsed.is_signature_valid
    except (ValueError, TypeError, InvalidSignature) as error:
        raise ContractError("bad_request", "no certificate request in PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ContractError("bad_request", "the key must be an EC key on P-256")
    if not good:
        raise ContractError("bad_request", "the request is not signed by its own key")
    return key


def check_gateway(gateway: str) -> str:
    """A name that a certificate may carry; ContractError."""
    check_name(gateway, "gateway")
    if len(gateway) > GATEWAY_LENGTH_MAX:
        detail = f"a gateway with a certificate has a name of at most {GATEWAY_LENGTH_MAX} letters"
        raise ContractError("bad_name", detail)
    if gateway.lower() in RESERVED:
        raise ContractError("bad_name", f"{gateway!r} is a name of the hub's own")
    return gateway


def for_gateway(
    authority: x509.Certificate, key: Key, gateway: str, request: bytes, now: dt.datetime
) -> Issued:
    """Both certificates of a gateway; ContractError says what is wrong with the request."""
    check_gateway(gateway)
    public = key_of_request(request)
    serial = secrets.randbits(126) << 1 | 1 << 127
    until = now + dt.timedelta(days=CERTIFICATE_DAYS)
    signed = []
    for number, name in ((serial, gateway), (serial + 1, gateway + TELEMETRY)):
        builder = _builder(_name(name), public, now, until, number)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH
        signed.append(_leaf(builder, authority, key, public, usage))
    first, second = signed
    return Issued(
        serial=format(serial, "x"),
        key_digest=key_digest(public),
        not_before_ms=_ms(first.not_valid_before_utc),
        not_after_ms=_ms(first.not_valid_after_utc),
        pem=pem_of(first),
        telemetry_pem=pem_of(second),
    )


def revocation_list(
    authority: x509.Certificate, key: Key, revoked: Sequence[tuple[str, int]], now: dt.datetime
) -> str:
    """Of both certificates of each issue."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        # A broker whose clock is a little behind must not refuse the list.
        .last_update(now - BACKDATED)
        .next_update(now + dt.timedelta(days=LIST_DAYS))
        .add_extension(x509.CRLNumber(_ms(now)), critical=False)
    )
    for serial, at_ms in revoked:
        at = dt.datetime.fromtimestamp(at_ms / 1000, tz=dt.UTC)
        for number in (int(serial, 16), int(serial, 16) + 1):
            one = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(at)
            builder = builder.add_revoked_certificate(one.build())
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def key_digest(key: ec.EllipticCurvePublicKey) -> str:
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    until: dt.datetime,
    serial: int | None = None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number() if serial is None else serial)
        .not_valid_before(now - BACKDATED)
        .not_valid_after(until)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _leaf(
    builder: x509.CertificateBuilder,
    authority: x509.Certificate,
    key: Key,
    public: ec.EllipticCurvePublicKey,
    usage: x509.ObjectIdentifier,
) -> x509.Certificate:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return (
        builder.issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
