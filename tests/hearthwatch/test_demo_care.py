"""The demonstration's care: files, referrals at every step, a log, somebody above her share."""

from pathlib import Path

from device_sims.roster import homes_toml, households
from hearthwatch import demo_faces
from hearthwatch.admin import add_user
from hearthwatch.book_change import change_book
from hearthwatch.demo import LOGINS
from hearthwatch.demo_care import as_written_down, seed
from ledger.place import SqliteBook
from ledger.register import store
from ledger.roster import parse
from rules.local_time import at_minute_ms

BEGAN_MS = at_minute_ms(20_780, 6 * 60)


def test_it_is_written_once_and_every_page_has_something(tmp_path: Path) -> None:
    book = SqliteBook(path=tmp_path / "hub.db")
    homes = as_written_down(households(24, 1))
    roster = parse(homes_toml(homes))
    change_book(book, lambda unit: store(unit, roster))
    for username, name, role, region in LOGINS:
        add_user(book, username, name, role, region, "correct horse battery")

    def fill(unit) -> dict[str, list]:
        found = {}
        for _ in range(2):
            seed(unit, homes, BEGAN_MS)
            demo_faces.seed(unit, homes, BEGAN_MS)
            # As at each start of the hub.
            store(unit, roster)
            for name, sql in {
                "files": "SELECT count(*) FROM person_file",
                "states": "SELECT state FROM referral ORDER BY number",
                "lines": "SELECT count(*), max(cost_fen) > 80000 FROM care_line",
                "later": "SELECT max(served_at_ms) FROM care_line",
                "granted": "SELECT count(*) FROM money_line",
                "vain": "SELECT count(*) FROM visit WHERE NOT met",
                "phoneless": "SELECT contacts FROM service_user WHERE phone = ''",
                "faces": "SELECT count(*), count(DISTINCT sha256) FROM person_photo",
                "shown": "SELECT count(*) FROM service_user WHERE photo <> ''",
                "asked": "SELECT answer, count(*) FROM consent GROUP BY answer ORDER BY answer",
                "late": "SELECT min(look_at_ms) FROM referral",
            }.items():
                found.setdefault(name, []).append([tuple(r) for r in unit.execute(sql).fetchall()])
        return found

    found = change_book(book, fill)
    assert all(first == again for first, again in found.values())
    assert found["files"][0] == [(24,)]
    states = [state for (state,) in found["states"][0]]
    assert states == ["ended", "serving", "ended", "accepted", "sent", "proposed"]
    [(lines, somebody_above)] = found["lines"][0]
    assert (lines > 40, bool(somebody_above)) == (True, True)
    assert found["later"][0][0][0] < BEGAN_MS
    assert found["granted"][0] == [(3,)]
    assert (found["vain"][0], found["phoneless"][0]) == ([(2,)], [("[]",)])
    # Sixteen people, each with a face of her own; one said no.
    assert (found["faces"][0], found["shown"][0]) == ([(16, 16)], [(16,)])
    assert dict(found["asked"][0])["no"] == 1
    assert found["late"][0][0][0] < BEGAN_MS
