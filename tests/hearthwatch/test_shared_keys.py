"""The hub's own keys are the book's: whoever serves it signs with the same."""

import base64
from pathlib import Path

import pytest

from alarms import contact_points
from alarms.contact_points import NewPoint
from alarms.own_keys import fingerprint, reply_key, vapid_key
from hearthwatch.__main__ import main
from hearthwatch.doctor_sealing import own_keys
from hearthwatch.hub_config import load
from hearthwatch.sealed_book import opened
from hearthwatch.shared_keys import renew, share
from ledger.place import Place
from ledger.unit_of_work import UnitOfWork
from tests.adapters.sealed import book_of, changed, key_path, sealed_place

FILES = ("reply.key", "vapid.pem")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return sealed_place(book_of(request, tmp_path), key_path(tmp_path))


def started(place: Place, folder: Path) -> list[bytes]:
    """A process of this book, as far as its own keys go."""
    connection = place.open_writer()
    share(connection, folder)
    connection.close()
    return [(folder / name).read_bytes() for name in FILES]


def told(place: Place, folder: Path) -> list[tuple[str, str]]:
    return [(found.verdict, found.detail) for found in own_keys(place, folder)]


def test_a_second_process_signs_as_the_first(place: Place, tmp_path: Path, capsys) -> None:
    first, second = tmp_path / "web", tmp_path / "escalation"
    assert told(place, first) == [("ok", "in the book at the first start")]
    kept = started(place, first)
    # It has made its own, before anybody shared any.
    reply_key(second)
    vapid_key(second)
    others = [(second / name).read_bytes() for name in FILES]
    assert others != kept
    assert told(place, first) == [("ok", "as the book has them")]
    [(verdict, detail)] = told(place, second)
    assert verdict == "fail"
    assert f"vapid.pem {fingerprint(others[1])}" in detail
    assert started(place, second) == kept
    assert told(place, second) == [("ok", "as the book has them")]
    said = capsys.readouterr()
    assert "own_key_taken" in said.out + said.err
    assert fingerprint(kept[1]) in said.out + said.err
    # What it had is not lost, and nobody else may read it.
    before = [second / f"{name}.before" for name in FILES]
    assert [path.read_bytes() for path in before] == others
    assert {path.stat().st_mode & 0o777 for path in (*before, second / "vapid.pem")} == {0o600}
    # And once more: nothing is to be done.
    assert (started(place, second), started(place, first)) == (kept, kept)


def test_a_lost_file_comes_back(place: Place, tmp_path: Path) -> None:
    kept = started(place, tmp_path / "web")
    (tmp_path / "web" / "vapid.pem").unlink()
    assert started(place, tmp_path / "web") == kept


def test_the_book_has_them_sealed(place: Place, tmp_path: Path) -> None:
    started(place, tmp_path / "web")
    connection = place.open_writer()
    sql = "SELECT key, value FROM meta WHERE key LIKE ? ORDER BY key"
    rows = connection.cursor().execute(sql, ("own-key:%",)).fetchall()
    connection.close()
    assert [key for key, _value in rows] == [f"own-key:{name}" for name in FILES]
    contents = [base64.b64decode(value) for _key, value in rows]
    assert b"PRIVATE KEY" not in contents[1]
    assert (tmp_path / "web" / "reply.key").read_bytes() not in contents[0]


def registered(place: Place) -> None:
    """Two browsers and a telephone."""

    def change(unit: UnitOfWork) -> None:
        ways = (
            ("push-0", "wang", "web_push", "{}"),
            ("push-1", "li", "web_push", "{}"),
            ("sms", "li", "gsm_modem", "13700000000"),
        )
        for name, owner, channel, address in ways:
            new = NewPoint(
                id=name, owner=owner, channel=channel, address=address, label="", language="zh-CN"
            )
            contact_points.add(unit, new, actor=owner)

    changed(place, change)


def dead(place: Place) -> list[tuple[str, str]]:
    sql = "SELECT id, dead_reason FROM contact_point WHERE dead_since_ms IS NOT NULL ORDER BY id"
    return changed(place, lambda unit: unit.execute(sql).fetchall())


def test_a_new_key_is_every_processs_and_ends_what_was_registered(
    place: Place, tmp_path: Path
) -> None:
    first, second = tmp_path / "web", tmp_path / "escalation"
    before = started(place, first)
    assert started(place, second) == before
    registered(place)
    made, owners = changed(place, lambda unit: renew(unit, "vapid.pem", "admin"))
    assert owners == ["li", "wang"]
    why = "made for another vapid.pem"
    assert dead(place) == [("push-0", why), ("push-1", why)]
    # Those that run are told of, and started again they have it.
    [found] = own_keys(place, first)
    assert found.verdict == "fail"
    assert "new-own-key" in found.remedy
    after = started(place, first)
    assert fingerprint(after[1]) == made
    assert after[0] == before[0]
    assert (first / "vapid.pem.before").read_bytes() == before[1]
    assert started(place, second) == after
    assert told(place, first) == told(place, second) == [("ok", "as the book has them")]


def test_a_new_key_of_links_ends_no_registration(place: Place, tmp_path: Path) -> None:
    before = started(place, tmp_path)
    registered(place)
    assert changed(place, lambda unit: renew(unit, "reply.key", "admin"))[1] == []
    assert dead(place) == []
    after = started(place, tmp_path)
    assert (after[0] != before[0], after[1]) == (True, before[1])


def test_a_key_that_is_lost_everywhere_ends_what_was_registered(
    place: Place, tmp_path: Path
) -> None:
    started(place, tmp_path)
    registered(place)
    changed(place, lambda unit: unit.execute("DELETE FROM meta WHERE key = 'own-key:vapid.pem'"))
    # The file is still there: nothing is lost.
    started(place, tmp_path)
    assert dead(place) == []
    changed(place, lambda unit: unit.execute("DELETE FROM meta WHERE key = 'own-key:vapid.pem'"))
    (tmp_path / "vapid.pem").unlink()
    started(place, tmp_path)
    assert [point for point, _why in dead(place)] == ["push-0", "push-1"]


def test_the_command_says_what_to_do(tmp_path: Path, capsys) -> None:
    (tmp_path / "hub.toml").write_text(
        f'data_dir = "data"\n[sealing]\nkey_file = "{key_path(tmp_path)}"\n'
    )
    config = load(tmp_path / "hub.toml")
    opened(config).close()
    before = vapid_pem(config.data_dir)
    registered(config.book)
    words = ["admin", "new-own-key", "vapid.pem", "--config", str(tmp_path / "hub.toml")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "start all processes of it again now" in said
    assert "register their browsers again after that: li, wang" in said
    opened(config).close()
    assert vapid_pem(config.data_dir) != before
    assert f"vapid.pem is {fingerprint(vapid_pem(config.data_dir))} in the book" in said


def test_a_hub_does_so_before_it_uses_them(tmp_path: Path) -> None:
    """Two data folders of one book, as a hub opens it."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.toml").write_text(
            f'data_dir = "{name}"\n[sealing]\nkey_file = "{key_path(tmp_path)}"\n'
        )
    one, two = load(tmp_path / "one.toml"), load(tmp_path / "two.toml")
    opened(one).close()
    (tmp_path / "two" / "hub.db").write_bytes((tmp_path / "one" / "hub.db").read_bytes())
    opened(two).close()
    assert vapid_pem(tmp_path / "one") == vapid_pem(tmp_path / "two")


def vapid_pem(folder: Path) -> bytes:
    return (folder / "vapid.pem").read_bytes()
