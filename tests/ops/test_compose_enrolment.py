"""docker-compose.enrolment.yml beside docker-compose.yml says only what is true, and what it starts
runs here with its paths changed; there is no container engine on this machine."""

import datetime as dt
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import ComposeSpecification

from hearthwatch.__main__ import COMMANDS, main
from hearthwatch.authority import certificates, keys
from hearthwatch.embedded_broker import find_mosquitto, free_port
from hearthwatch.hub_config import load
from tests.acceptance.rig import Program, wait_until
from tests.adapters.broker_line import Line, Proof
from tests.adapters.enrolment import Pi
from tests.ops.test_compose import DEPLOY, MADE, ROOT, explained

BASE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OVER = yaml.safe_load((ROOT / "docker-compose.enrolment.yml").read_text())
PROXY = (DEPLOY / "proxy" / "nginx.conf").read_text()
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
NOW = dt.datetime.now(tz=dt.UTC)  # noqa: TID251 - the broker's own clock judges
LISTS = ("volumes", "secrets", "networks", "ports", "tmpfs")


def merged() -> dict[str, dict[str, Any]]:
    """As compose merges two files: lists are put together, tables key by key, the rest replaced."""
    services = {name: dict(service) for name, service in BASE["services"].items()}
    for name, service in OVER["services"].items():
        mine = services.setdefault(name, {})
        for key, value in service.items():
            if key in LISTS and key in mine:
                mine[key] = [*mine[key], *value]
            elif isinstance(value, dict) and isinstance(mine.get(key), dict):
                mine[key] = {**mine[key], **value}
            else:
                mine[key] = value
    return services


SERVICES = merged()
VOLUMES = {**BASE["volumes"], **OVER["volumes"]}


def mounts(service: str) -> dict[str, str]:
    """Path inside, and what is there."""
    return {v.split(":")[1]: v.split(":")[0] for v in SERVICES[service].get("volumes", [])}


def test_both_files_follow_the_specification() -> None:
    ComposeSpecification.model_validate(OVER)
    ComposeSpecification.model_validate(
        {"services": SERVICES, "volumes": VOLUMES, "networks": BASE["networks"],
         "secrets": BASE["secrets"]}
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(OVER["services"]) - {"mosquitto", "hub"}))
def test_what_is_new_is_hardened_pinned_and_names_what_exists(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", service["image"])
    for there in mounts(name).values():
        known = MADE.fullmatch(there) or (ROOT / there).exists()
        assert known if there.startswith("./") else there in VOLUMES, there
    for other in service.get("depends_on", {}):
        assert other in SERVICES


def test_the_authoritys_key_is_in_its_own_container_alone_and_that_has_no_network() -> None:
    holders = [name for name in SERVICES if any("ca.key" in v for v in mounts(name).values())]
    assert holders == ["authority"]
    assert not any(
        v.rstrip("/") == "./deploy/secrets" for n in SERVICES for v in mounts(n).values()
    )
    assert SERVICES["authority"]["network_mode"] == "none"
    assert "cap_add" not in SERVICES["authority"]
    uid, gid = SERVICES["authority"]["user"].split(":")
    assert f"--uid {uid} --gid hearthwatch" in DOCKERFILE
    assert f"groupadd --system --gid {gid} hearthwatch" in DOCKERFILE
    assert f"AUTHORITY_UID = {uid}" in (DEPLOY / "prepare.py").read_text()


def test_hub_and_authority_meet_at_the_socket_that_hub_toml_names(tmp_path: Path) -> None:
    config = enrolling(tmp_path)
    assert config.enrolment is not None
    command = SERVICES["authority"]["command"]
    assert command[0] in COMMANDS
    door = Path(command[command.index("--socket") + 1])
    assert config.enrolment.authority == door
    for name in ("hub", "authority"):
        assert mounts(name)[str(door.parent)] == "authority-socket"
    folder = command[command.index("--dir") + 1]
    assert {f"{folder}/ca.key", f"{folder}/ca.pem"} <= set(mounts("authority"))
    # Whoever writes into a volume owns what it is mounted on in the image.
    for place, owner in (
        (door.parent, "authority"), ("/revoked", "hearthwatch"), ("/broker", "mosquitto"),
    ):  # fmt: skip
        assert re.search(rf"install -d -o {owner} -g \w+ -m \d+ {place}\b", DOCKERFILE), place


def test_hub_and_broker_meet_at_the_list(tmp_path: Path) -> None:
    config = enrolling(tmp_path)
    assert config.enrolment is not None
    listed = config.enrolment.crl_file
    assert f"--crlfile={listed}" in SERVICES["broker-files"]["command"]
    for name in ("hub", "broker-files", "mosquitto"):
        assert mounts(name)[str(listed.parent)] == "revoked"
    out = next(w for w in SERVICES["broker-files"]["command"] if w.startswith("--out="))
    conf = SERVICES["mosquitto"]["command"][-1]
    assert conf == f"{out.removeprefix('--out=')}/mosquitto.conf"
    after = SERVICES["mosquitto"]["depends_on"]["broker-files"]["condition"]
    assert after == "service_completed_successfully"
    # What a broker shows to the outside is its port with certificates alone.
    assert SERVICES["mosquitto"]["ports"] == BASE["services"]["mosquitto"]["ports"]
    assert config.enrolment.broker_port == 8883


def test_gateways_and_browsers_reach_the_hub_by_tls_alone(tmp_path: Path) -> None:
    [port] = SERVICES["proxy"]["ports"]
    assert port.endswith(":443:8443")
    assert "listen 8443 ssl;" in PROXY
    # By a variable: a name in the line itself is looked up once, at the proxy's own start.
    assert re.findall(r"resolver 127\.0\.0\.11 valid=\d+s", PROXY)
    assert re.findall(r"proxy_pass (\S+);", PROXY) == ["$hub"]
    host, inside = re.findall(r"set \$hub http://(\w+):(\d+);", PROXY)[0]
    assert host in SERVICES
    assert int(inside) == enrolling(tmp_path).http.port
    assert set(SERVICES["proxy"]["networks"]) & set(SERVICES["hub"]["networks"])
    for line in ("X-Forwarded-Proto https", "X-Forwarded-For $remote_addr", "Host $http_host"):
        assert f"proxy_set_header {line};" in PROXY
    assert "proxy_buffering off;" in PROXY
    named = set(re.findall(r"ssl_certificate(?:_key)? (\S+);", PROXY))
    assert named <= set(mounts("proxy"))
    url = enrolling(tmp_path).enrolment
    assert url is not None
    assert url.url.startswith("https://")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def enrolling(folder: Path):
    """deploy/config/hub.toml with its [enrolment] let in, as the installer does."""
    text = (DEPLOY / "config" / "hub.toml").read_text()
    head, _, rest = text.partition("# [enrolment]")
    table, _, tail = rest.partition("\n\n")
    path = folder / "hub.toml"
    path.write_text(
        f"{head}{explained('# [enrolment]' + table)}\n\n{tail}".replace("/run/secrets", str(folder))
    )
    (folder / "broker-password").write_text("secret\n")
    return load(path)


@pytest.mark.mosquitto
@pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine")
def test_what_prepare_makes_is_an_authority_and_a_broker_that_takes_a_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """broker-files and mosquitto, with the commands of the file."""
    secrets, out = tmp_path / "secrets", tmp_path / "broker"
    command = [sys.executable, str(DEPLOY / "prepare.py"), "--host", "127.0.0.1"]
    subprocess.run([*command, "--out", str(secrets)], check=True, capture_output=True)
    enrolling(tmp_path)
    tls, plain = free_port(), free_port()
    path = tmp_path / "hub.toml"
    text = path.read_text().replace('"hub.county.example:8883"', f'"127.0.0.1:{tls}"')
    text = text.replace("port = 1883", f"port = {plain}")
    path.write_text(text.replace('host = "mosquitto"', 'host = "127.0.0.1"'))
    places = {
        "/etc/hearthwatch/hub.toml": str(path),
        "=/authority": f"={secrets}",
        "=/broker": f"={out}",
        "=/revoked/": f"={tmp_path}/",
    }
    words = []
    for word in SERVICES["broker-files"]["command"]:
        for old, new in places.items():
            word = word.replace(old, new)  # noqa: PLW2901
        words.append(word)
    assert main(words) == 0, capsys.readouterr().err
    conf = out / "mosquitto.conf"
    if os.geteuid() == 0:
        conf.write_text(conf.read_text() + "user root\n")
    _, script, _ = SERVICES["mosquitto"]["command"]
    assert mounts("mosquitto")[script] == "./deploy/mosquitto/run.sh"
    sh = shutil.which("sh") or "sh"
    broker = Program([sh, str(DEPLOY / "mosquitto" / "run.sh"), str(conf)], tmp_path / "log")
    broker.start()
    try:
        pi = Pi()
        pem = tmp_path / "gw.pem"
        authority = keys.load(secrets)
        issued = certificates.for_gateway(*authority, "gw-0001", pi.request.encode(), NOW)
        pem.write_text(issued.pem)
        key = tmp_path / "gw.key"
        key.write_bytes(certificates.key_pem(pi.key))
        wait_until(lambda: listens(tls), 60, "mosquitto takes the configuration")
        proof = Proof(ca_file=secrets / "ca.pem", cert_file=pem, key_file=key)
        with Line(tls, proof, "x") as line:
            # 0x10: taken, and nobody listens.
            assert line.publish("hw/v1/gw-0001/activation", b"press") < 0x80
    finally:
        broker.stop()
