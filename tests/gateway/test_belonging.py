"""What root's commands leave in a service's folder belongs to the service."""

import os
from pathlib import Path

import pytest

from gateway.belonging import give_over, others

SOMEBODY = 12_345

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    (data / "keys").mkdir(parents=True)
    (data / "hub.db").write_text("book")
    (data / "keys" / "persons.json").write_text("{}")
    for path in (data, data / "hub.db"):
        os.chown(path, SOMEBODY, SOMEBODY)
    return data


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def test_everything_in_it_is_the_folders_owners(folder) -> None:
    assert others(folder) == [folder / "keys", folder / "keys" / "persons.json"]
    give_over(folder)
    assert owners(folder) == {SOMEBODY}
    assert others(folder) == []


def test_the_folder_itself_may_be_a_link(folder, tmp_path) -> None:
    """As systemd makes it for a user that it made up."""
    (tmp_path / "state").symlink_to(folder)
    give_over(tmp_path / "state")
    assert owners(folder) == {SOMEBODY}


def test_the_group_is_the_folders_too(folder) -> None:
    os.chown(folder / "hub.db", SOMEBODY, 0)
    give_over(folder)
    assert (folder / "hub.db").stat().st_gid == SOMEBODY


def test_a_link_is_not_followed(folder, tmp_path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("root's")
    (folder / "link").symlink_to(outside)
    (folder / "folders").symlink_to(tmp_path, target_is_directory=True)
    give_over(folder)
    assert outside.stat().st_uid == 0


def test_a_file_that_has_another_name_elsewhere_is_left(folder, tmp_path) -> None:
    """The folder's owner may have linked to it what is not its own."""
    outside = tmp_path / "outside"
    outside.write_text("root's")
    (folder / "alias").hardlink_to(outside)
    give_over(folder)
    assert outside.stat().st_uid == 0


def test_a_folder_of_roots_own_is_left_alone(folder) -> None:
    os.chown(folder, 0, 0)
    give_over(folder)
    assert (folder / "hub.db").stat().st_uid == SOMEBODY


def test_nobody_but_root_gives_anything_away(folder, monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    give_over(folder)
    assert others(folder)
