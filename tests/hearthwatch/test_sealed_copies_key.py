"""A copy under a key of its own: opened from any place by the right key, and by nothing else."""

import io
import os
import sqlite3
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.config import ConfigError
from hearthwatch.__main__ import main
from hearthwatch.copy_records import look
from hearthwatch.hub_config import load
from hearthwatch.sealed_copies import (
    CHUNK,
    MAGIC,
    CopyKey,
    Opening,
    Sealing,
    is_sealed,
    make_key,
    read_key,
)
from ledger.archive import ArchiveError
from tests.adapters.hub_bench import Bench, press
from tests.adapters.sealed import sealed_file

KEY = CopyKey(raw=b"k" * 32)
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7]


def sealed(plain: bytes, portion: int = 10_000) -> bytes:
    out = io.BytesIO()
    sink = Sealing(out, KEY)
    for at in range(0, len(plain), portion):
        sink.write(plain[at : at + portion])
    sink.close()
    sink.close()
    return out.getvalue()


def opened(content: bytes, key: CopyKey | None = KEY) -> bytes:
    return Opening(io.BytesIO(content), key, "copy").read()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_comes_back_from_any_place(size: int) -> None:
    plain = os.urandom(size)
    content = sealed(plain)
    assert opened(content) == plain
    assert plain[:64] not in content or size < 8
    source = Opening(io.BytesIO(content), KEY, "copy")
    for at in {0, size // 2, max(0, size - 5), size}:
        source.seek(at)
        assert source.read(100_000) == plain[at : at + 100_000]


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_that_was_cut_off_is_not_opened(size: int) -> None:
    content = sealed(os.urandom(size))
    for end in {len(content) - 1, len(content) - CHUNK - 16, len(content) - 16, 20, 9}:
        if 0 < end < len(content):
            with pytest.raises(ArchiveError):
                opened(content[:end])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_bit_may_be_otherwise(data: st.DataObject) -> None:
    content = bytearray(sealed(b"x" * (CHUNK + 100)))
    place = data.draw(st.integers(len(MAGIC), len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ArchiveError):
        opened(bytes(content))


def test_chunks_change_places_with_nobody() -> None:
    content = sealed(b"a" * CHUNK + b"b" * CHUNK + b"c" * 10)
    head = len(content) - (2 * (CHUNK + 16) + 10 + 16)
    first = content[head : head + CHUNK + 16]
    second = content[head + CHUNK + 16 : head + 2 * (CHUNK + 16)]
    with pytest.raises(ArchiveError):
        opened(content[:head] + second + first + content[head + 2 * (CHUNK + 16) :])


def test_another_key_is_told_from_a_damaged_copy() -> None:
    content = sealed(b"everything")
    with pytest.raises(ArchiveError, match=f"key {KEY.id}, and this one is"):
        opened(content, CopyKey(raw=b"j" * 32))
    with pytest.raises(ArchiveError, match="name its file"):
        opened(content, None)


def test_two_copies_of_the_same_have_nothing_in_common() -> None:
    assert sealed(b"x" * 1000)[-1000:] != sealed(b"x" * 1000)[-1000:]


def test_an_archive_is_written_into_it_and_read_in_place() -> None:
    out = io.BytesIO()
    with Sealing(out, KEY) as sink, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("a.jsonl", "w", force_zip64=True) as stream:
            for _turn in range(50):
                stream.write(os.urandom(5000))
        file.writestr("manifest.json", b"{}")
    out.seek(0)
    assert is_sealed(out)
    with zipfile.ZipFile(Opening(out, KEY, "copy")) as file:
        assert file.testzip() is None
        assert file.namelist() == ["a.jsonl", "manifest.json"]


def test_a_hub_with_a_key_makes_sealed_copies_and_takes_them_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(tmp_path, sealed_file(tmp_path / "hub" / "hub.db"))
    bench.deliver(press(1), press(2))
    bench.hub.close()
    key, other = tmp_path / "elsewhere" / "copies.key", tmp_path / "elsewhere" / "other.key"
    for path in (key, other):
        assert main(["keys", "make-copy-key", "--out", str(path)]) == 0
    config, copy = tmp_path / "hub.toml", tmp_path / "copy.hwcopy"
    config.write_text(f'data_dir = "hub"\n[backup]\nkey_file = "{key}"\n')
    assert main(["backup", "--config", str(config), str(copy)]) == 0
    content = copy.read_bytes()
    assert content.startswith(MAGIC)
    # Not even which tables there are.
    assert b"jsonl" not in content
    assert b"press-1" not in content
    assert main(["backup", "--check", "--key-file", str(key), str(copy)]) == 0
    capsys.readouterr()
    for without in ([], ["--key-file", str(other)]):
        assert main(["backup", "--check", *without, str(copy)]) == 1
        assert f"sealed with key {read_key(key).id}" in capsys.readouterr().err
    # The hub knows it for the copy that was checked.
    assert len(look(load(config)).there) == 1
    back = tmp_path / "back"
    back.mkdir()
    (back / "hub.toml").write_text(
        f'data_dir = "hub"\n[backup]\nkey_file = "{key}"\n'
        f'[sealing]\nkey_file = "{tmp_path}/hub/keys/persons.json"\n'
    )
    assert main(["restore", "--config", str(back / "hub.toml"), str(copy)]) == 0
    with sqlite3.connect(back / "hub" / "hub.db") as book:
        assert book.execute("SELECT count(*) FROM event").fetchone() == (2,)
    book.close()


def test_a_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "copies.key"
    key = make_key(path)
    assert read_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert key.raw.hex() not in repr(key)
    with pytest.raises(FileExistsError):
        make_key(path)
    for text in ("", "ab" * 31, "zz" * 32, "键"):
        path.write_text(text)
        with pytest.raises(ConfigError):
            read_key(path)
    with pytest.raises(ConfigError):
        read_key(tmp_path / "none")
