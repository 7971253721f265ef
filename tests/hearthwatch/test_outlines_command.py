"""`hearthwatch admin outlines`: a county's file goes into the book, or says why it doesn't."""

import json
from pathlib import Path

from hearthwatch.__main__ import main
from hearthwatch.book_change import change_book
from hearthwatch.hub_config import load
from ledger.unit_of_work import UnitOfWork
from tests.ledger.test_outlines import SQUARE, collection, feature


def test_a_file_is_taken_or_refused_whole(tmp_path: Path, capsys) -> None:
    hub = tmp_path / "hub.toml"
    hub.write_text(f'data_dir = "{tmp_path / "data"}"\n', encoding="utf-8")
    (tmp_path / "data").mkdir()
    book = load(hub).book
    add = "INSERT INTO region (code, name, level) VALUES ('610926101001', '村', 'village')"
    change_book(book, lambda unit: unit.execute(add))
    file = tmp_path / "county.geojson"

    def said(document: object) -> tuple[int, str, str]:
        file.write_text(json.dumps(document), encoding="utf-8")
        command = ["admin", "outlines", "--config", str(hub), "--grid", "wgs84", str(file)]
        code = main(command)
        out = capsys.readouterr()
        return code, out.out, out.err

    code, _, err = said(collection(feature(SQUARE[:4])))
    assert (code, "feature 1: open_ring" in err, "nothing was changed" in err) == (1, True, True)
    code, out, err = said(collection(feature(), feature(code="999")))
    assert (code, out) == (0, "1 outlines are in the book\n")
    assert "there is no open region 999" in err

    def read(unit: UnitOfWork) -> list[object]:
        return list(unit.execute("SELECT region, set_by, shape FROM region_outline").fetchall())

    [(region, by, shape)] = change_book(book, read)
    assert (region, by, json.loads(shape)) == ("610926101001", "admin-command", [[SQUARE]])
