"""Hand-over sheets: one at each change of shift, with all that is open; signed line by line."""

import json

import pytest

from alarms.lifecycle import IllegalMove, Outcome, TaskMove
from alarms.rota.handover_book import HandoverBook
from tests.adapters.book import finding
from tests.alarms.rota.conftest import DAY, at


@pytest.fixture
def sheets(rota):
    rota.staff()
    rota.sheets = HandoverBook(rota.rota)
    rota.now_ms = at(DAY, "9:00")
    rota.do(rota.sheets.fire_due)
    return rota


def fire(rota, at_ms) -> None:
    rota.now_ms = at_ms
    rota.do(rota.sheets.fire_due)


def made(rota) -> list[tuple]:
    rows = rota.rows("SELECT * FROM handover ORDER BY at_ms")
    return [(r["at_ms"], json.loads(r["outgoing"]), json.loads(r["incoming"])) for r in rows]


def lines(rota, sheet) -> list[tuple]:
    sql = "SELECT number, kind, carried FROM handover_line WHERE handover = ? ORDER BY number"
    return [(r["number"], r["kind"], bool(r["carried"])) for r in rota.rows(sql, sheet)]


def sheet_ids(rota) -> list[str]:
    return [row["id"] for row in rota.rows("SELECT id FROM handover ORDER BY at_ms")]


def raise_alarm(rota, key="1", **changes) -> str:
    return rota.do(
        lambda unit: rota.alarms.take(
            unit, finding(key=key, at_ms=rota.now_ms, **changes), replayable=False
        )
    )


def mark(rota, sheet, number, actor, remark="") -> None:
    mark = "remarked" if remark else "signed"
    rota.do(lambda u: rota.sheets.mark(u, (sheet, number), mark, actor, remark))


def test_one_sheet_at_each_change_of_shift(sheets) -> None:
    assert made(sheets) == [(at(DAY, "8:00"), [], ["li", "zhou"])]
    fire(sheets, at(DAY, "20:00") - 1)
    assert len(made(sheets)) == 1
    for minute in range(3):
        fire(sheets, at(DAY, "20:00") + minute * 60_000)
    assert made(sheets)[1:] == [(at(DAY, "20:00"), ["li", "zhou"], ["wang"])]
    sheets.sheets.reload(None)
    fire(sheets, at(DAY, "21:00"))
    assert len(made(sheets)) == 2


def test_a_change_that_came_while_the_hub_was_off_gets_its_sheet(sheets) -> None:
    sheets.sheets = HandoverBook(sheets.rota)
    fire(sheets, at(DAY + 1, "7:00"))
    assert [row[0] for row in made(sheets)] == [at(DAY, "8:00"), at(DAY, "20:00")]


def test_a_sheet_has_what_is_open_and_is_added_to(sheets) -> None:
    raise_alarm(sheets)
    sheets.now_ms = at(DAY, "19:30")
    sheet = sheets.do(lambda u: sheets.sheets.begin(u, "county", "li"))
    assert [kind for _, kind, _ in lines(sheets, sheet)] == ["alarm"]
    number = sheets.do(lambda u: sheets.sheets.note(u, sheet, " 周大爷的门钥匙在桌上 ", "li"))
    raise_alarm(sheets, key="2", rule="fall", home="home-2")
    fire(sheets, at(DAY, "20:00"))
    assert lines(sheets, sheet) == [(1, "alarm", False), (2, "note", False), (3, "alarm", False)]
    assert number == 2
    raise_alarm(sheets, key="3", rule="smoke", home="home-3")
    sheets.sheets.reload(None)
    fire(sheets, at(DAY, "20:05"))
    again = sheets.do(lambda u: sheets.sheets.begin(u, "county", "wang"))
    assert (again, len(lines(sheets, sheet))) == (sheet, 3)


def test_who_calls_stands_before_what_a_rule_concluded(sheets) -> None:
    raise_alarm(sheets, rule="not_up_yet", severity="watch")
    for minute, rule in enumerate(("no_sign_of_life", "sos", "smoke"), start=1):
        sheets.now_ms = at(DAY, "9:00") + minute * 60_000
        raise_alarm(sheets, key=rule, rule=rule, home=f"home-{minute}")
    fire(sheets, at(DAY, "20:00"))
    rows = sheets.rows("SELECT body FROM handover_line ORDER BY number")
    said = [json.loads(row["body"])["alarm_kind"] for row in rows]
    assert said == ["sos", "smoke", "no_sign_of_life", "not_up_yet"]


def test_the_next_shift_signs_and_what_it_does_not_sign_stays(sheets) -> None:
    raise_alarm(sheets)
    raise_alarm(sheets, key="2", rule="fall", home="home-2")
    fire(sheets, at(DAY, "20:00"))
    sheet = sheet_ids(sheets)[-1]
    with pytest.raises(IllegalMove, match="not_the_next_shift"):
        mark(sheets, sheet, 1, "li")
    mark(sheets, sheet, 1, "wang")
    mark(sheets, sheet, 1, "boss")
    mark(sheets, sheet, 2, "li", "两次打电话没人接")
    rows = sheets.rows(
        "SELECT number, mark, actor, remark FROM handover_mark WHERE number > 0 ORDER BY seq"
    )
    assert [tuple(row) for row in rows] == [
        (1, "signed", "wang", ""),
        (2, "remarked", "li", "两次打电话没人接"),
    ]
    for number, of in ((3, sheet), (1, "none")):
        with pytest.raises(KeyError):
            mark(sheets, of, number, "wang")
    fire(sheets, at(DAY + 1, "8:00"))
    assert lines(sheets, sheet_ids(sheets)[-1]) == [(1, "alarm", False), (2, "alarm", True)]


def test_lines_are_signed_in_one_act_but_for_urgent_ones(sheets) -> None:
    raise_alarm(sheets)
    raise_alarm(sheets, key="2", rule="quiet", kind="device_silent", severity="technical")
    fire(sheets, at(DAY, "19:30"))
    sheet = sheets.do(lambda u: sheets.sheets.begin(u, "county", "li"))
    sheets.do(lambda u: sheets.sheets.note(u, sheet, "停水", "li"))
    assert [kind for _, kind, _ in lines(sheets, sheet)] == ["alarm", "device", "note"]

    def together(numbers, actor="wang") -> None:
        sheets.do(lambda u: sheets.sheets.sign_together(u, sheet, numbers, actor))

    def signed() -> list[tuple]:
        sql = "SELECT number, actor, at_ms FROM handover_mark WHERE mark = 'signed' AND number > 0"
        return [(r["number"], r["actor"], r["at_ms"]) for r in sheets.rows(f"{sql} ORDER BY seq")]

    # All or none: nothing is signed beside what can't be.
    for numbers, error in (([2, 1], "signed_alone"), ([2, 9], None)):
        with pytest.raises(KeyError if error is None else IllegalMove) as caught:
            together(numbers)
        assert error is None or caught.value.code == error
        assert signed() == []
    with pytest.raises(IllegalMove, match="the next shift"):
        together([2], actor="li")
    mark(sheets, sheet, 3, "zhao")
    together([3, 2, 2])
    assert signed() == [(3, "zhao", at(DAY, "19:30")), (2, "wang", at(DAY, "19:30"))]
    sql = "SELECT data FROM entry WHERE topic = 'handover' AND fact = 'signed' ORDER BY seq"
    assert [json.loads(r["data"])["number"] for r in sheets.rows(sql)] == [3, 2]


def test_what_was_closed_unsigned_is_carried_until_somebody_signs(sheets) -> None:
    alarm = raise_alarm(sheets)
    fire(sheets, at(DAY, "20:00"))
    sheets.do(lambda u: sheets.alarms.close(u, alarm, "wang", Outcome.ACCIDENTAL, ""))
    fire(sheets, at(DAY + 1, "8:00"))
    fire(sheets, at(DAY + 1, "20:00"))
    latest = sheet_ids(sheets)[-1]
    assert lines(sheets, latest) == [(1, "alarm", True)]
    mark(sheets, latest, 1, "wang")
    fire(sheets, at(DAY + 2, "8:00"))
    assert lines(sheets, sheet_ids(sheets)[-1]) == []


def test_notes_are_short_and_a_sheet_needs_a_change_of_shift(sheets) -> None:
    sheet = sheet_ids(sheets)[0]
    for text in (" ", "x" * 1001):
        with pytest.raises(IllegalMove, match="bad_note"):
            sheets.do(lambda u, text=text: sheets.sheets.note(u, sheet, text, "li"))
    with pytest.raises(KeyError):
        sheets.do(lambda u: sheets.sheets.begin(u, "none", "li"))
    sheets.change(DAY + 2, "day", ["li"])
    sheets.now_ms = at(DAY, "9:30")
    assert sheets.do(lambda u: sheets.sheets.begin(u, "county", "li")) == sheet


def test_kinds_of_lines(sheets) -> None:
    raise_alarm(sheets)
    raise_alarm(
        sheets,
        key="b",
        rule="low_battery",
        severity="technical",
        part="gw/d",
        repair_within_ms=1000,
    )
    task = sheets.rows("SELECT task FROM alarm WHERE kind = 'sos'")[0][0]
    sheets.do(lambda u: sheets.alarms.move_task(u, task, "li", TaskMove.ACCEPT, ""))
    sql = (
        "INSERT INTO stay (id, home, kind, from_ms, until_ms, note, created_at_ms, created_by)"
        " VALUES ('s', 'home-1', 'away', 0, ?, '', 0, 'li')"
    )
    home = (
        "INSERT INTO home (id, region, address, access_note) VALUES ('home-1', '610926', 'x', '')"
    )
    sheets.do(lambda u: (u.execute(home), u.execute(sql, (at(DAY + 9, "8:00"),))))
    fire(sheets, at(DAY, "20:00"))
    kinds = [kind for _, kind, _ in lines(sheets, sheet_ids(sheets)[-1])]
    assert kinds == ["alarm", "task", "stay", "device"]


def test_a_line_says_who_has_the_alarm_at_the_change_of_shift(sheets) -> None:
    """Not who took it first: that one may have let it lapse, given it up or handed it over."""
    lapsed, held, goes, offered = (
        raise_alarm(sheets, key=key, part=key, home="home-1") for key in "abcd"
    )
    sheets.now_ms = at(DAY, "19:58")
    book = sheets.alarms
    for alarm in (held, goes, offered):
        sheets.do(lambda u, alarm=alarm: book.acknowledge(u, alarm, "li"))
    sheets.do(lambda u: book.assign(u, goes, "li", "zhao"))
    sheets.do(lambda u: book.handing.hand_over(u, offered, "li", "wang"))
    sheets.now_ms = at(DAY, "19:54")
    sheets.do(lambda u: book.acknowledge(u, lapsed, "zhou"))
    sheets.now_ms = at(DAY, "19:59")
    while sheets.do(book.fire_due):
        continue
    fire(sheets, at(DAY, "20:00"))
    rows = sheets.rows("SELECT subject, body FROM handover_line WHERE kind = 'alarm'")
    said = {row["subject"]: json.loads(row["body"]) for row in rows}
    who = {
        alarm: tuple(body[key] for key in ("holder", "goes", "offered_to"))
        for alarm, body in said.items()
    }
    assert who == {
        lapsed: (None, None, None),
        held: ("li", None, None),
        goes: ("li", "zhao", None),
        offered: ("li", None, "wang"),
    }
    assert said[lapsed]["until_ms"] is None
    assert said[held]["until_ms"] == at(DAY, "20:03")
