"""[signing_in] of hub.toml."""

from pathlib import Path

import pytest

from contract.config import ConfigError
from dashboard.signing_in.settings import SigningIn
from hearthwatch.hub_config import load
from tests.hearthwatch.test_rota_settings import hub_toml

SIGN_ON = """
[signing_in.sign_on]
issuer = "https://id.example"
client_id = "hearthwatch"
client_secret_file = "secret"
"""


def read(folder: Path, text: str) -> SigningIn:
    (folder / "secret").write_text("s3cret\n")
    return load(hub_toml(folder, text)).signing_in


def test_nothing_said(tmp_path: Path) -> None:
    assert read(tmp_path, "") == SigningIn()


def test_the_origin_is_how_people_reach_the_hub(tmp_path: Path) -> None:
    notify = '[notify]\npublic_url = "https://hub.example/"\n'
    assert read(tmp_path, notify).origin == "https://hub.example"
    other = f'{notify}[signing_in]\norigin = "https://desk.example:8443"'
    assert read(tmp_path, other).origin == "https://desk.example:8443"


def test_an_identity_provider(tmp_path: Path) -> None:
    settings = read(tmp_path, f'[signing_in]\nsecond_factor = "staff"\n{SIGN_ON}')
    assert settings.second_factor == "staff"
    assert settings.sign_on is not None
    assert settings.sign_on.client_secret == "s3cret"
    assert settings.sign_on.name == "id.example"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('origin = "http://hub.example"', "origin"),
        ('origin = "https://hub.example/page"', "origin"),
        ('second_factor = "everybody"', "second_factor"),
        ("grace_days = 1000", "grace_days"),
        ("idle_min = 0", "idle_min"),
        ("step_up_min = 1.5", "step_up_min"),
        ("idle_minutes = 5", "idle_minutes"),
        (SIGN_ON.replace("https:", "http:"), "issuer"),
        (SIGN_ON.replace('"secret"', '"missing"'), "client_secret"),
        (f"{SIGN_ON}scopes = []", "scopes"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        read(tmp_path, f"[signing_in]\n{text}")
