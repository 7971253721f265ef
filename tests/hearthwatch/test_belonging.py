"""What root's commands leave in a hub's folder belongs to the hub."""

import os
import shutil
from pathlib import Path

import pytest

from hearthwatch.__main__ import main
from hearthwatch.belonging import give_over, others

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
    assert give_over(folder) == 2
    assert owners(folder) == {SOMEBODY}
    assert others(folder) == []


def test_the_folder_itself_may_be_a_link(folder, tmp_path) -> None:
    """As systemd makes it for a user that it made up."""
    (tmp_path / "state").symlink_to(folder)
    assert give_over(tmp_path / "state") == 2
    assert owners(folder) == {SOMEBODY}


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
    assert give_over(folder) == 0
    assert (folder / "hub.db").stat().st_uid == SOMEBODY


def test_nobody_but_root_gives_anything_away(folder) -> None:
    assert give_over(folder, am_root=False) == 0
    assert others(folder)


def test_a_command_of_roots_leaves_what_the_hub_can_read(tmp_path, capsys) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, SOMEBODY, SOMEBODY)
    (tmp_path / "hub.toml").write_text('data_dir = "data"\n[broker]\nport = 1\n')
    user = ["admin1", "--name", "王芳", "--role", "admin", "--random-password"]
    code = main(["admin", "create-user", "--config", str(tmp_path / "hub.toml"), *user])
    assert code == 0, capsys.readouterr().err
    assert (data / "hub.db").exists()
    assert owners(data) == {SOMEBODY}


def test_doctor_names_what_the_hub_could_not_read(folder, capsys) -> None:
    toml = folder.parent / "hub.toml"
    toml.write_text('data_dir = "data"\n[broker]\nport = 1\n')
    shutil.rmtree(folder / "keys")
    (folder / "hub.db").unlink()
    (folder / "reply.key").write_bytes(bytes(32))
    main(["doctor", "--hub", str(toml)])
    told = capsys.readouterr().out
    assert f"not that of the folder: {folder / 'reply.key'}" in told
    assert f"chown -hR --reference={folder}/. {folder}/" in told
