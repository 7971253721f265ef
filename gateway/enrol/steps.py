"""The steps of an enrolment and of a renewal; the key is made here and only its request is sent."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from contract.enrolment import EnrolmentCode, renewal_message
from contract.moment import from_iso
from gateway.enrol import hub_calls, identity, openssl
from gateway.enrol.hub_calls import EnrolmentFailed
from gateway.enrol.identity import Identity

# A certificate is good from an hour ago: more than a day off, a clock is wrong and not slow.
CLOCK_OFF_MAX_MS: Final = 24 * 3_600_000


async def enrol(data_dir: Path, code: EnrolmentCode, now_ms: int) -> Identity:
    """EnrolmentFailed says what to do. Begun again with the same code, it goes on with the same
    key: an answer that was lost on the way costs nothing."""
    shown = await asyncio.to_thread(hub_calls.fetch_authority, code.url)
    _check_authority(code, str(shown.get("authority", "")))
    _check_clock(now_ms, str(shown.get("at", "")))
    folder = identity.pending(data_dir, code.token)
    (folder / "ca.pem").write_text(str(shown["authority"]))
    request = await openssl.new_key(folder, code.gateway)
    asked = {"token": code.token, "request": request}
    issued = await asyncio.to_thread(hub_calls.ask, code.url, "", asked, folder / "ca.pem")
    return _installed(data_dir, folder, issued, lambda: str(issued["key"]))


async def renew(data_dir: Path, held: Identity) -> Identity:
    """Another key and another certificate, by proof of the key that there is."""
    # By the certificate that is renewed: a request whose answer was lost is sent again as it was.
    folder = identity.pending(data_dir, held.serial)
    request = await openssl.new_key(folder, held.gateway)
    proof = await openssl.sign(held.key_file, renewal_message(held.serial, request))
    asked = {
        "serial": held.serial,
        "request": request,
        "signature": base64.b64encode(proof).decode(),
    }
    issued = await asyncio.to_thread(hub_calls.ask, held.url, "/renewal", asked, held.ca_file)
    return _installed(data_dir, folder, issued, lambda: held.second_path_key)


def _check_authority(code: EnrolmentCode, pem: str) -> None:
    try:
        der = ssl.PEM_cert_to_DER_cert(pem)
    except ValueError as error:
        raise EnrolmentFailed("wrong_hub", f"{code.url} shows no authority") from error
    if hashlib.sha256(der).digest() != code.fingerprint:
        detail = "is not the hub that made this code (another fingerprint): is the code this hub's?"
        raise EnrolmentFailed("wrong_hub", f"{code.url} {detail}")


def _check_clock(now_ms: int, hub_at: str) -> None:
    try:
        off_ms = now_ms - from_iso(hub_at)
    except ValueError:
        return
    if abs(off_ms) > CLOCK_OFF_MAX_MS:
        days = abs(off_ms) / CLOCK_OFF_MAX_MS
        detail = (
            f"this machine's clock is {days:.0f} days {'ahead' if off_ms > 0 else 'behind'}: set it"
            " (timedatectl set-ntp true) and use the same code again"
        )
        raise EnrolmentFailed("clock", detail)


def _installed(
    data_dir: Path, folder: Path, issued: Mapping[str, Any], key: Callable[[], str]
) -> Identity:
    try:
        return identity.install(data_dir, folder, issued, key())
    except (KeyError, TypeError, ValueError) as error:
        raise EnrolmentFailed("bad_answer", f"the hub's answer lacks {error}") from error
