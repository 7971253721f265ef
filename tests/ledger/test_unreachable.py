"""A hub whose book's server or disk is away says so in a line, and ends to be started again."""

from pathlib import Path

import pytest

from hearthwatch.__main__ import main


@pytest.mark.parametrize("book", ["sqlite", "postgresql"])
def test_a_book_that_is_away_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], book: str
) -> None:
    place = ""
    if book == "postgresql":
        place = f'[book]\nurl = "postgresql://postgres@/book?host={tmp_path}"\n'
    # No file can be opened there: as on a disk that is broken.
    (tmp_path / "hub" / "hub.db").mkdir(parents=True)
    config = tmp_path / "hub.toml"
    config.write_text(f'data_dir = "hub"\n[broker]\nhost = "127.0.0.1"\n{place}')
    assert main(["hub", "--config", str(config)]) == 1
    said = capsys.readouterr().err
    assert "hearthwatch hub: the book can't be opened: " in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) <= 3
