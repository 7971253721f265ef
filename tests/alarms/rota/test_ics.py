"""The calendar of a person against what RFC 5545 says, read by a parser of its own."""

import re

from hypothesis import given
from hypothesis import strategies as st

from alarms.rota.ics import CalendarEvent, calendar, escaped, folded, uid
from alarms.rota.model import Shift, ShiftKey
from tests.alarms.rota.conftest import DAY, at

# Its name, parameters and value; no control characters but a tab.
LINE = re.compile(r"([A-Z-]+)((?:;[A-Z-]+=[^:;]+)*):([^\x00-\x08\x0a-\x1f\x7f]*)\Z")


def parse(text: str) -> list[tuple[str, str, str]]:
    """Content lines as RFC 5545, 3.1 has them; an assertion where they are not."""
    assert text.endswith("\r\n")
    raw = text.split("\r\n")[:-1]
    assert all("\r" not in line and "\n" not in line for line in raw)
    assert all(len(line.encode()) <= 75 for line in raw)
    unfolded: list[str] = []
    for line in raw:
        if line.startswith(" "):
            unfolded[-1] += line[1:]
        else:
            unfolded.append(line)
    matches = [LINE.match(line) for line in unfolded]
    assert all(matches), unfolded
    return [(m[1], m[2], m[3]) for m in matches]


def text_of(value: str) -> str:
    out, i = "", 0
    while i < len(value):
        if value[i] == "\\":
            i += 1
            out += {"n": "\n", "N": "\n"}.get(value[i], value[i])
        else:
            assert value[i] not in ",;"
            out += value[i]
        i += 1
    return out


def shift(day: int = DAY, name: str = "night") -> Shift:
    return Shift(
        key=ShiftKey(desk="county", day=day, name=name),
        start_ms=at(day, "20:00"),
        end_ms=at(day + 1, "8:00"),
        people=("li", "zhou"),
    )


def event(**changes) -> CalendarEvent:
    fields = {"shift": shift(), "title": "夜班", "place": "县值班室", "notes": "与周强"}
    return CalendarEvent(**{**fields, **changes})


def test_an_event_has_what_calendars_need() -> None:
    text = calendar("李敏的值班", "li", [event()], now_ms=at(DAY, "9:00"))
    lines = parse(text)
    names = [name for name, *_ in lines]
    assert names[:3] == ["BEGIN", "VERSION", "PRODID"]
    assert (lines[0][2], lines[-1]) == ("VCALENDAR", ("END", "", "VCALENDAR"))
    values = {name: (parameters, value) for name, parameters, value in lines}
    assert values["DTSTART"] == (";TZID=Asia/Shanghai", "20261123T200000")
    assert values["DTEND"] == (";TZID=Asia/Shanghai", "20261124T080000")
    assert values["DTSTAMP"] == ("", "20261123T010000Z")
    assert values["SUMMARY"] == ("", "夜班")
    assert names.count("UID") == names.count("DTSTAMP") == 1
    assert ("TZID", "", "Asia/Shanghai") in lines
    begun = [value for name, _, value in lines if name == "BEGIN"]
    ended = [value for name, _, value in lines if name == "END"]
    assert sorted(begun) == sorted(ended)


def test_a_uid_is_a_shift_of_a_person_for_ever() -> None:
    moved = Shift(key=shift().key, start_ms=1, end_ms=2, people=("li",))
    assert uid(shift(), "li") == uid(moved, "li")
    others = {uid(shift(), "zhou"), uid(shift(DAY + 1), "li"), uid(shift(name="day"), "li")}
    assert len(others | {uid(shift(), "li")}) == 4


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from("\n\\;,: ")))
def test_any_text_comes_back_as_it_was(text) -> None:
    document = calendar("x", "li", [event(notes=text, title=text)], now_ms=at(DAY, "9:00"))
    found = {name: value for name, _, value in parse(document)}
    assert text_of(found["DESCRIPTION"]) == text
    assert text_of(found["SUMMARY"]) == text


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=400))
def test_folding_cuts_no_character(line) -> None:
    pieces = list(folded(line))
    assert all(len(piece.encode()) <= 75 for piece in pieces)
    assert pieces[0] + "".join(piece[1:] for piece in pieces[1:]) == line
    assert all(piece.startswith(" ") for piece in pieces[1:])


def test_line_ends_of_any_kind_become_one() -> None:
    assert escaped("a\r\nb\rc\nd") == "a\\nb\\nc\\nd"
