"""Homes whose people have all left the service: nobody is looked for or sent there any more. A call
or a detector is another thing and is answered: somebody may be there."""

from typing import Final

from ledger.cursor import Cursor

_VACATED: Final = (
    "SELECT count(*), sum(CASE WHEN left_on <> '' THEN 1 ELSE 0 END)"
    " FROM service_user WHERE home = ?"
)
# Planned work in the home of somebody who has left, where nobody of the service lives now.
_FOR_NOBODY: Final = (
    "SELECT t.id FROM task t JOIN service_user p ON p.home = t.home"
    " WHERE p.id = ? AND p.left_on <> '' AND t.kind IN ('routine', 'follow_up')"
    " AND t.state IN ('open', 'accepted') AND NOT EXISTS"
    " (SELECT 1 FROM service_user o WHERE o.home = p.home AND o.left_on = '')"
    " ORDER BY t.id"
)


def is_vacated(cursor: Cursor, home: str | None) -> bool:
    """A home of which the register knows nobody is not: who is there is not known."""
    cursor.execute(_VACATED, (home,))
    people, gone = cursor.fetchone() or (0, 0)
    return bool(people) and people == gone


def tasks_for_nobody(cursor: Cursor, person: str) -> list[str]:
    cursor.execute(_FOR_NOBODY, (person,))
    return [str(task) for (task,) in cursor.fetchall()]
