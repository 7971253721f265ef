"""What `hearthwatch doctor` says of the authority and of the broker's certificate. Read-only."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hearthwatch.doctor_finding import Finding, judge

if TYPE_CHECKING:
    # A gateway's installation has neither cryptography nor what else the hub's modules import.
    from hearthwatch.hub_config import HubConfig

RENEW: Final = "hearthwatch admin renew-broker --authority DIR --out FOLDER (docs/enrolment.md)"
ENROL_ANEW: Final = (
    "a new authority is all gateways enrolled anew: docs/enrolment.md, the authority's own end"
)


def enrolment(config: "HubConfig", now_ms: int) -> Iterator[Finding]:
    from dashboard.enrolment_port import AuthorityAway
    from hearthwatch.authority.asking import AskedAuthority
    from hearthwatch.certificate_ends import RefusedError, ends_of, served

    wanted = config.enrolment
    if wanted is None:
        return
    try:
        pem = AskedAuthority(wanted.authority).certificate()
    except AuthorityAway as error:
        remedy = "start hearthwatch-authority: nobody can be enrolled, renewed or revoked"
        yield Finding(check="authority", verdict="fail", detail=str(error), remedy=remedy)
        return
    yield _end("authority", ends_of(pem), now_ms, ENROL_ANEW)
    check = "broker's cert."
    try:
        yield _end(check, served(wanted, config.broker, pem), now_ms, RENEW)
    except RefusedError as error:
        detail = f"no gateway believes it: {error}"
        yield Finding(check=check, verdict="fail", detail=detail, remedy=RENEW)
    except OSError as error:
        place = f"{config.broker.host}:{wanted.broker_port}"
        yield judge(check, False, f"not seen at {place}: {error}", "does it run?", bad="warn")


def _end(check: str, ends_ms: int, now_ms: int, remedy: str) -> Finding:
    from contract.moment import to_iso
    from hearthwatch.certificate_ends import days_left, stage_of

    stage = stage_of(ends_ms, now_ms)
    detail = f"good until {to_iso(ends_ms)[:10]}, {days_left(ends_ms, now_ms)} days"
    return judge(check, stage is None, detail, remedy, bad="fail" if stage == 0 else "warn")
