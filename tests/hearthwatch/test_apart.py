"""A list of persons is read in a process of its own, and what it refuses is heard here."""

import pytest

from dashboard.person_sheets import read_list
from dashboard.spreadsheets import UnreadableSheet
from hearthwatch.apart import in_a_process


async def test_a_list_is_read_apart_and_refusals_come_back() -> None:
    assert await in_a_process(read_list, "姓名,电话\r\n张桂英,".encode("gb18030")) == [
        ["姓名", "电话"],
        ["张桂英"],
    ]
    with pytest.raises(UnreadableSheet):
        await in_a_process(read_list, b"PK\x03\x04")
