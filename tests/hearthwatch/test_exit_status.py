"""A configuration that can't be used ends each service with one status of its own."""

import pytest

from hearthwatch.__main__ import main

# EX_CONFIG of sysexits.h: what the guide says, whatever the program's constant is.
UNUSABLE = 78


@pytest.mark.parametrize("service", ["hub", "gateway"])
@pytest.mark.parametrize("text", [None, "no toml", "unheard_of = 1\n"])
def test_unusable_configuration_ends_with_its_own_status(service, text, tmp_path) -> None:
    path = tmp_path / "service.toml"
    if text is not None:
        path.write_text(text)
    assert main([service, "--config", str(path)]) == UNUSABLE


def test_authority_without_its_key_ends_with_that_status(tmp_path) -> None:
    where = ["--dir", str(tmp_path), "--socket", str(tmp_path / "socket")]
    assert main(["authority", *where]) == UNUSABLE
