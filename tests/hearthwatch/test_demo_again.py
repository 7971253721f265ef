"""A demonstration that is started again goes on from its book, which its hub has sealed."""

import argparse
import subprocess
from pathlib import Path

from hearthwatch.demo import Demo
from hearthwatch.embedded_broker import Broker
from hearthwatch.hub_config import load
from hearthwatch.sealed_book import opened
from ledger.chain_check import check


def demo(folder: Path) -> Demo:
    args = argparse.Namespace(data_dir=folder, port=1, homes=3, speed=None, hold_at=None)
    return Demo(args)


def test_the_second_start_reads_what_the_hub_has_sealed(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret")
    with subprocess.Popen(["true"]) as done:
        broker = Broker(
            name="mosquitto",
            port=1883,
            protocol="5",
            username="hearthwatch",
            password_file=tmp_path / "password",
            process=done,
        )
    first = demo(tmp_path / "data")
    first.prepare(broker)
    config = load(first.folder / "hub.toml")
    with config.book.open_copier().connect() as connection:
        assert [state.breaks for state in check(connection)] == [0, 0]
    opened(config).close()
    # Somebody wrote into a person's file meanwhile; she was born on another day in the roster, so
    # that her file is read anew.
    with config.book.changing() as connection:
        connection.exec_driver_sql("UPDATE service_user SET born = '1930-01-01'")
    again = demo(tmp_path / "data")
    again.prepare(broker)
    assert not again.is_new
    assert again.passwords == first.passwords
