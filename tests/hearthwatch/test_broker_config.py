"""Where the broker can't look into the hub's folder, it reads a copy of the list."""

from pathlib import Path

import pytest

from hearthwatch.__main__ import main


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_broker_reads_the_list_where_it_can(
    tmp_path: Path, elsewhere: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "password").write_text("secret")
    config = tmp_path / "hub.toml"
    config.write_text(
        'data_dir = "hub"\n[broker]\nusername = "hub"\npassword_file = "password"\n'
        '[enrolment]\nauthority = "socket"\nurl = "https://hub.example"\n'
        'broker = "hub.example"\ncrl_file = "hub/crl.pem"\n'
    )
    authority, out = tmp_path / "authority", tmp_path / "broker"
    made = main(["admin", "ca-init", "--dir", str(authority), "--host", "hub.example"])
    assert made == 0, capsys.readouterr().err
    more = ["--crlfile", str(out / "crl.pem")] if elsewhere else []
    where = ["--config", str(config), "--authority", str(authority), "--out", str(out), *more]
    assert main(["admin", "broker-config", *where]) == 0, capsys.readouterr().err
    read = (out if elsewhere else tmp_path / "hub") / "crl.pem"
    assert f"\ncrlfile {read}\n" in (out / "mosquitto.conf").read_text()
    assert b"X509 CRL" in read.read_bytes()


def test_systemd_copies_the_list_to_where_the_guide_has_the_broker_read_it() -> None:
    root = Path(__file__).parents[2]
    unit = (root / "deploy" / "systemd" / "hearthwatch-broker-reload.service").read_text()
    copied = next(line for line in unit.splitlines() if line.startswith("ExecStart=/bin/cp"))
    guide = (root / "docs" / "enrolment.md").read_text()
    assert f"--crlfile {copied.split()[-1]}" in guide
