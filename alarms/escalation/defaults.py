"""The policies that hold when hub.toml names no file of its own."""

from importlib.resources import files

from alarms.escalation.policy import Policies, parse


def default_policies() -> Policies:
    text = files("alarms.escalation").joinpath("default.toml").read_text(encoding="utf-8")
    return parse(text, "default.toml")
