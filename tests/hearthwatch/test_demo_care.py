"""The demonstration's care: files, referrals at every step, a log, somebody above her share."""

from pathlib import Path

from device_sims.roster import homes_toml, households
from hearthwatch.admin import add_user, change_book
from hearthwatch.demo import LOGINS
from hearthwatch.demo_care import seed
from ledger.place import SqliteBook
from ledger.register import store
from ledger.roster import parse
from rules.local_time import at_minute_ms

BEGAN_MS = at_minute_ms(20_780, 6 * 60)


def test_it_is_written_once_and_every_page_has_something(tmp_path: Path) -> None:
    book = SqliteBook(path=tmp_path / "hub.db")
    homes = households(24, 1)
    roster = parse(homes_toml(homes))
    change_book(book, lambda unit: store(unit, roster))
    for username, name, role, region in LOGINS:
        add_user(book, username, name, role, region, "correct horse battery")

    def fill(unit) -> dict[str, list]:
        found = {}
        for _ in range(2):
            seed(unit, homes, BEGAN_MS)
            for name, sql in {
                "files": "SELECT count(*) FROM person_file",
                "states": "SELECT state FROM referral ORDER BY number",
                "lines": "SELECT count(*), max(cost_fen) > 80000 FROM care_line",
                "later": "SELECT max(served_at_ms) FROM care_line",
                "granted": "SELECT count(*) FROM money_line",
                "vain": "SELECT count(*) FROM visit WHERE NOT met",
                "phoneless": "SELECT count(*) FROM service_user WHERE phone = ''",
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
    assert (found["vain"][0], found["phoneless"][0]) == ([(2,)], [(1,)])
    assert found["late"][0][0][0] < BEGAN_MS
