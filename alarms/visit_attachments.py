"""Photos and signatures of a visit, as they are kept. In the writer's thread."""

from typing import Final

from alarms.lifecycle import IllegalMove
from alarms.rows import fetch
from alarms.visit_rows import VisitRows, owner_of_visit
from ledger.database import insert_sql
from ledger.schema import ATTACHMENT
from ledger.unit_of_work import UnitOfWork
from ledger.visits import PHOTOS_MAX, NewAttachment

_INSERT: Final = insert_sql(ATTACHMENT)


class VisitAttachments:
    def __init__(self, rows: VisitRows) -> None:
        self._rows = rows

    def attach(self, unit: UnitOfWork, new: NewAttachment, actor: str) -> str:
        """Returns the id of the attachment; the same file again is the one that is there."""
        row = self._rows.find(unit, new.visit)
        there = fetch(
            unit.cursor,
            "SELECT id, source_sha256 FROM attachment WHERE visit = ? AND kind = ?",
            (new.visit, new.kind),
        )
        for one in there:
            if one["source_sha256"] == new.source_sha256:
                return str(one["id"])
        if row["voided_at_ms"] is not None:
            raise IllegalMove("voided", f"{row['voided_by']} has voided it")
        if new.kind == "photo" and len(there) >= PHOTOS_MAX:
            raise IllegalMove("too_many_photos", f"at most {PHOTOS_MAX} photos a visit")
        if new.kind != "photo" and there:
            raise IllegalMove("signed_already", "this signature is there already")
        values = {
            "id": new.id,
            "visit": new.visit,
            "kind": new.kind,
            "mime": new.mime,
            "bytes": unit.seal.content(owner_of_visit(row), new.content),
            "size": len(new.content),
            "sha256": new.sha256,
            "source_sha256": new.source_sha256,
            "width": new.width,
            "height": new.height,
            "added_at_ms": unit.now_ms,
            "added_by": actor,
        }
        unit.execute(_INSERT, tuple(values[c.name] for c in ATTACHMENT.columns))
        self._rows.entry(unit, row, "attached", actor, reason=new.kind, data={"attachment": new.id})
        return new.id
