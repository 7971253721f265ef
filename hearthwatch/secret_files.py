"""Secrets come from files that hub.toml names, or from the environment; never from hub.toml."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.config import ConfigError, get
from gateway import secret_file


def read_secret(
    table: Mapping[str, Any], key: str, variable: str, where: str, base: Path
) -> str | None:
    """A secret from the file named by `<key>_file` (`gateway.secret_file`), else from the
    environment."""
    name = get(table, f"{key}_file", str, where, "")
    if not name:
        return os.environ.get(variable)
    path = base / name
    try:
        return secret_file.read(path, base)
    except OSError as error:
        raise ConfigError(f"{where}.{key}_file", f"cannot read {path}: {error.strerror}") from error


def wanted_secret(table: Mapping[str, Any], key: str, variable: str, where: str, base: Path) -> str:
    """As above; ConfigError when there is none, or it is empty."""
    found = read_secret(table, key, variable, where, base)
    if not found:
        raise ConfigError(f"{where}.{key}_file", f"missing or empty; or set {variable}")
    return found
