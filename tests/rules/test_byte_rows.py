"""Rows of bytes in pieces are what one long piece would be."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.byte_rows import PIECE_MAX, ByteRows


@given(st.sampled_from([1, 24, 48]), st.data())
def test_they_are_what_a_list_of_rows_is(width, data) -> None:
    begin = data.draw(st.lists(st.binary(min_size=width, max_size=width), max_size=40))
    rows, kept = ByteRows(width, b"".join(begin)), list(begin)
    for _step in range(data.draw(st.integers(0, 60))):
        what = data.draw(st.sampled_from(["append"] * 6 + ["drop", "keep", "clear"]))
        if what == "append":
            row = data.draw(st.binary(min_size=width, max_size=width))
            rows.append(row)
            kept.append(row)
        elif what == "drop":
            count = data.draw(st.integers(0, 30))
            rows.drop(count)
            kept = kept[count:]
        elif what == "keep":
            count = data.draw(st.integers(1, 30))
            rows.keep(count)
            kept = kept[-count:]
        else:
            rows.clear()
            kept = []
        assert list(rows) == kept
        assert len(rows) == len(kept)
        assert rows.joined() == b"".join(kept)
        if kept:
            assert rows.last() == kept[-1]


def test_no_piece_is_too_large_for_the_interpreters_own_allocator() -> None:
    rows = ByteRows(48, bytes(48 * 28))
    for _day in range(200):
        rows.append(bytes(48))
        rows.keep(28)
        assert all(sys.getsizeof(piece) <= 512 for piece in rows._pieces)
        assert len(rows._pieces) <= 28 * 48 // PIECE_MAX + 3


def test_what_is_no_whole_row_is_refused() -> None:
    with pytest.raises(ValueError, match="no rows of 24"):
        ByteRows(24, bytes(25))
