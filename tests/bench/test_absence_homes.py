"""Homes of packages: what is fetched is what was meant, and absences are spliced in as they say."""

import hashlib
from zipfile import ZipFile

import numpy as np
import pytest

from bench.absence import crest
from bench.absence.going import hard
from bench.absence.houses import DAY, Span
from bench.absence.packages import Package
from bench.absence.real import FAMILIES, NIGHT_FROM_MIN, NIGHT_TO_MIN, empty_days, nights, splice
from bench.absence.trial import OWN, PACKAGED

DAYS = 120


def lived():
    """Each minute tells its place in the day; 10,000 W so that it stands out."""
    return np.tile(np.arange(DAY, dtype=np.float32), DAYS) + 10_000


def wheel(folder, text: str) -> Package:
    path = folder / "thing-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as made:
        made.writestr("thing/table.csv", text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Package(name="thing", version="1.0", sha256=digest)


def test_a_package_that_is_there_is_read_and_not_fetched(tmp_path) -> None:
    assert wheel(tmp_path, "a;b").text("thing/table.csv", tmp_path).read() == "a;b"


def test_another_package_than_was_meant_is_refused(tmp_path) -> None:
    meant = wheel(tmp_path, "a;b")
    wheel(tmp_path, "a;c")
    with pytest.raises(ValueError, match="not the package that was meant"):
        meant.text("thing/table.csv", tmp_path)


def test_absences_are_spliced_in_and_the_rest_is_as_it_was() -> None:
    watts, before = lived(), lived()
    absences = [Span(start=20 * DAY, end=21 * DAY + 7), Span(start=40 * DAY + 3, end=49 * DAY)]
    splice(watts, absences, lambda _start, length: np.zeros(length))
    away = np.zeros(len(watts), dtype=bool)
    for span in absences:
        away[span.start : span.end] = True
    assert (watts[away] == 0).all()
    assert (watts[~away] == before[~away]).all()


def test_nights_are_nights_and_the_calmer_ones() -> None:
    watts = lived()
    for day in range(0, DAYS, 2):
        watts[day * DAY : (day + 1) * DAY] += 1000
    found = nights(np.random.default_rng(1), watts)(60 * DAY, 3000)
    assert len(found) == 3000
    minutes = found - 10_000
    assert minutes.min() >= NIGHT_FROM_MIN
    assert minutes.max() < NIGHT_TO_MIN


def test_empty_days_keep_their_time_of_the_day() -> None:
    days = np.tile(np.arange(DAY, dtype=np.float32), 3)
    found = empty_days(np.random.default_rng(1), days)(5 * DAY + 600, 2000)
    assert (found == (np.arange(2000) + 600) % DAY).all()


def test_families_have_names_of_their_own_and_homes() -> None:
    names = [family.NAME for family in (*PACKAGED, *OWN.values())]
    assert len(set(names)) == len(names)
    assert all(family.homes for family in FAMILIES)


def test_the_published_model_stops_with_its_people() -> None:
    house, again = (crest.build(3, 200, hard) for _ in range(2))
    assert np.array_equal(house.watts, again.watts)
    away = np.zeros(len(house.watts), dtype=bool)
    for span in house.absences:
        away[span.start : span.end] = True
    assert all(isinstance(span, Span) for span in house.absences)
    assert house.absences
    assert house.nobody_about
    assert all(span.end - span.start >= DAY for span in house.nobody_about)
    # Every absence of a day and more is a stretch with nobody about.
    for span in house.absences:
        inside = [s for s in house.nobody_about if s.start <= span.start and span.end <= s.end]
        assert inside or span.end - span.start < DAY
    # The first two hours are what was still running.
    assert 0 < house.watts[away].mean() < house.watts[~away].mean() * 0.5


def test_a_day_and_no_less_with_nobody_about_is_told() -> None:
    about = np.zeros(5 * crest.STEPS, dtype=np.int64)
    first, second, third = crest.STEPS, 2 * crest.STEPS, 3 * crest.STEPS + 1
    about[[first, second, third]] = [1, 2, 1]
    assert crest.nobody_about(about) == [
        Span(start=0, end=first * crest.STEP),
        Span(start=(second + 1) * crest.STEP, end=third * crest.STEP),
        Span(start=(third + 1) * crest.STEP, end=5 * DAY),
    ]
    assert crest.nobody_about(np.ones(4 * crest.STEPS, dtype=np.int64)) == []
