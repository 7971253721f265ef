"""One configuration names a secret for the service and for root's commands."""

from pathlib import Path

import pytest

from gateway import secret_file
from gateway.secret_file import read


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "credentials" / "hub.service"
    folder.mkdir(parents=True)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def test_a_service_reads_the_credential_of_the_files_name(tmp_path, credentials) -> None:
    (credentials / "password").write_text("of the service\n")
    assert read(tmp_path / "password", tmp_path) == "of the service"


def test_what_no_credential_was_made_of_is_read_where_it_is(tmp_path, credentials) -> None:
    (tmp_path / "other").write_text("in clear view")
    assert read(tmp_path / "other", tmp_path) == "in clear view"


def test_a_command_reads_the_file(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "password").write_text("of root")
    assert read(tmp_path / "password", tmp_path) == "of root"


def test_a_credential_that_is_gone_with_its_service_is_the_file_beside_the_configuration(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr(secret_file, "_SHOWN", tmp_path / "run")
    (tmp_path / "password").write_text("of root")
    assert read(tmp_path / "run" / "hub.service" / "password", tmp_path) == "of root"


def test_what_is_nowhere_is_told_by_the_name_that_was_given(tmp_path, credentials) -> None:
    with pytest.raises(FileNotFoundError) as told:
        read(tmp_path / "password", tmp_path)
    assert told.value.filename == str(tmp_path / "password")
