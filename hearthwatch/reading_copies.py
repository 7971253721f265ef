"""The readings' part of a copy of everything: files of this machine, and what a server has of the
lanes' memory."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hearthwatch.hub_config import HubConfig
from hearthwatch.trial_place import thrown_away
from ingest.readings.copying import STORES, copy_stores

# What the lanes of a server's readings know, as a file of a copy.
_STATE: Final = "readings-state.db"

Extract = Callable[[zipfile.ZipFile, str, Path], None]


def copied(config: HubConfig, folder: Path) -> list[Path]:
    """Into `folder`, each as of one moment. StoreError: the readings' server can't be asked."""
    settings = config.readings.postgres
    if settings is None:
        return copy_stores(config.data_dir, folder)
    from ingest.readings.pg_copying import copy_state

    target = folder / _STATE
    return [target] if copy_state(settings, target) else []


def restored(config: HubConfig, file: zipfile.ZipFile, extract: Extract) -> None:
    """Out of a copy to where this hub has its readings."""
    there = [name for name in STORES if name in file.namelist()]
    settings = config.readings.postgres
    if settings is None:
        for name in there:
            extract(file, name, config.data_dir)
        return
    from ingest.readings.pg_copying import forget_state, restore_state

    with thrown_away(config.data_dir) as folder:
        for each in there:
            extract(file, each, folder)
        if there:
            restore_state(settings, folder / there[0])
        else:
            forget_state(settings)
