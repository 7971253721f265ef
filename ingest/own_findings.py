"""What the urgent lane finds by itself, where no rule speaks. Pure."""

from ingest.wire import WireItem
from rules.finding import Finding, episode_id


def unruled_finding(subject: str, item: WireItem, now_ms: int) -> Finding:
    """The finding for an activation that no rule spoke for."""
    return Finding(
        episode=episode_id(subject, item.kind, item.id),
        home=subject,
        rule=item.kind,
        kind=item.kind,
        severity="urgent",
        phase="raised",
        reason="no_rule",
        raised_at_ms=item.measured_at_ms,
        at_ms=max(item.measured_at_ms, 0) or now_ms,
        device=item.device,
        source_id=item.id,
    )


def unreadable_finding(gateway: str, code: str, detail: str, now_ms: int) -> Finding:
    """Somebody may have pressed, and what came could not be read."""
    subject = f"gateway:{gateway}"
    return Finding(
        episode=episode_id(subject, "unreadable", code),
        home=subject,
        rule="unreadable",
        kind="unreadable",
        severity="technical",
        phase="raised",
        reason="unreadable_activation",
        raised_at_ms=now_ms,
        at_ms=now_ms,
        evidence={"code": code, "detail": detail},
    )
