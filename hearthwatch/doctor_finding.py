"""What one check of `hearthwatch doctor` says."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check. `remedy` says what to do; empty when all is well."""

    check: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def judge(check: str, good: bool, detail: str, remedy: str, bad: Verdict = "fail") -> Finding:
    """`remedy` is for the bad case alone."""
    return Finding(
        check=check,
        verdict="ok" if good else bad,
        detail=detail,
        remedy="" if good else remedy,
    )
