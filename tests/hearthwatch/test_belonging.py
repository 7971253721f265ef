"""What root leaves in a hub's folder belongs to the hub, and doctor names what does not."""

import os

import pytest

from hearthwatch.__main__ import main

SOMEBODY = 12_345

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def test_a_command_of_roots_leaves_what_the_hub_can_read(tmp_path, capsys) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, SOMEBODY, SOMEBODY)
    (tmp_path / "hub.toml").write_text('data_dir = "data"\n[broker]\nport = 1\n')
    user = ["admin1", "--name", "王芳", "--role", "admin", "--random-password"]
    code = main(["admin", "create-user", "--config", str(tmp_path / "hub.toml"), *user])
    assert code == 0, capsys.readouterr().err
    assert (data / "hub.db").exists()
    assert {path.lstat().st_uid for path in data.rglob("*")} == {SOMEBODY}


def test_doctor_names_what_the_hub_could_not_read(tmp_path, capsys) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    os.chown(folder, SOMEBODY, SOMEBODY)
    toml = tmp_path / "hub.toml"
    toml.write_text('data_dir = "data"\n[broker]\nport = 1\n')
    (folder / "reply.key").write_bytes(bytes(32))
    main(["doctor", "--hub", str(toml)])
    told = capsys.readouterr().out
    assert f"not that of the folder: {folder / 'reply.key'}" in told
    assert f"chown -hR --reference={folder}/. {folder}/" in told
