"""What an operator does and what befalls the machine, step by step."""

import json
from collections.abc import Callable
from typing import Any, Final

from tests.units.machine import Machine, StepError

HUB: Final = "hearthwatch-hub"
GATEWAY: Final = "hearthwatch-gateway"
CONFIG: Final = "/etc/hearthwatch/hub.toml"
STATE: Final = "/var/lib/private/hearthwatch-hub"
HERE: Final = "http://127.0.0.1:8080"
# A home with two Zigbee buttons, for two presses of one within 1.5 s are one press. Their bridge
# speaks to a broker of the gateway's own.
HOMES: Final = """\
[[region]]
code = "610926"
name = "平利县"
level = "county"
[[gateway]]
id = "gw-0001"
region = "610926"
[[home]]
id = "home-1"
region = "610926"
address = "一组1号"
[[home.device]]
gateway = "gw-0001"
device = "button-1"
kind = "sos"
[[home.device]]
gateway = "gw-0001"
device = "button-2"
kind = "sos"
[[home.person]]
id = "person-1"
name = "王桂英"
"""
ZIGBEE: Final = """
[[mqtt]]
name = "zigbee"
port = 1885
driver = "zigbee2mqtt"
"""
ENROLMENT: Final = """
[enrolment]
authority = "/run/hearthwatch-authority/socket"
url = "https://hub.example.org"
broker = "hub.example.org:8883"
crl_file = "/var/lib/hearthwatch-hub/crl.pem"
"""
# One request to the hub, by Python, for a small system has no curl.
ASK: Final = """\
import json, sys, urllib.request
method, path, token, body = sys.argv[1:]
headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
asked = urllib.request.Request(path, body.encode() or None, headers, method=method)
sys.stdout.buffer.write(urllib.request.urlopen(asked, timeout=60).read())
"""


class Site:
    def __init__(self, machine: Machine, hub: str, gateway: str) -> None:
        self.machine, self.hub, self.gateway = machine, hub, gateway
        self.token = ""

    def be(self, username: str) -> None:
        """A new duty officer, who is signed in."""
        user = f"{username} --name {username} --role duty --region 610926 --random-password"
        told = self.machine.run(f"hearthwatch admin create-user --config {CONFIG} {user}")
        body = json.dumps({"username": username, "password": told.split()[-1]})
        told = self.machine.run(f"python3 /root/ask.py POST {HERE}/api/v1/login '' '{body}'")
        self.token = json.loads(told)["token"]

    def write(self, path: str, text: str) -> None:
        place = self.machine.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def asked(self, path: str) -> str:
        return self.machine.run(f"python3 /root/ask.py GET {HERE}{path} '{self.token}' ''")

    def alarms(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.asked("/api/v1/alarms"))["items"]
        return found

    def ready(self) -> bool:
        return bool(self.machine.tried(f"python3 /root/ask.py GET {HERE}/readyz '' ''"))

    def restarts(self, unit: str) -> int:
        return int(self.machine.run(f"systemctl show -p NRestarts --value {unit}"))

    def signal(self, unit: str, name: str) -> None:
        self.machine.run(f"systemctl kill --kill-whom=main --signal={name} {unit}")

    def pressed(self) -> int:
        """How often the button was pressed, as the hub knows it."""
        return sum(one["event_count"] for one in self.alarms() if one["kind"] == "sos")

    def press(self, button: str = "button-1") -> None:
        command = f"mosquitto_pub -p 1885 -q 1 -t zigbee2mqtt/{button}"
        self.machine.run(f"""{command} -m '{{"action":"emergency"}}'""")


def install_hub(site: Site) -> None:
    site.write("/root/ask.py", ASK)
    site.write("/etc/hearthwatch/homes.toml", HOMES)
    site.write("/etc/hosts", "127.0.0.1 localhost hub.example.org\n")
    site.machine.run(f"cd /srv/project\n{site.hub}")
    site.machine.until("the hub is ready", site.ready)


def sign_in(site: Site) -> None:
    site.be("zhang")


def install_gateway(site: Site) -> None:
    site.machine.run(f"cd /srv/project\n{site.gateway.removesuffix(_DOCTOR)}")
    site.machine.run("mosquitto -p 1885 -d")
    toml = site.machine.root / "etc/hearthwatch/gateway.toml"
    toml.write_text(toml.read_text() + ZIGBEE)
    site.machine.run(f"systemctl restart {GATEWAY}\n{_DOCTOR}")


def hear_a_press(site: Site) -> None:
    # Until the bridge's broker has the gateway a press there is nobody's.
    heard = "journalctl -u hearthwatch-gateway -o cat | grep -c uplink_connected"
    site.machine.until("the gateway is there", lambda: bool(site.machine.tried(heard)))

    def heard_once() -> bool:
        if not site.alarms():
            site.press()
        return bool(site.alarms())

    site.machine.until("the press is an alarm", heard_once)


def make_papers(site: Site) -> None:
    """The program of the forms under all that the unit forbids."""
    if not site.asked("/api/v1/reports/period.pdf?month=2026-11").startswith("%PDF"):
        raise StepError("the report is no PDF")


def kill_the_hub(site: Site) -> None:
    known = site.pressed()
    site.signal(HUB, "KILL")
    site.press("button-2")
    site.machine.until("the hub was started again", lambda: site.restarts(HUB) == 1)
    site.machine.until("the hub is ready again", site.ready)
    site.machine.until("the press meanwhile is heard", lambda: site.pressed() > known)


def hang_the_gateway(site: Site) -> None:
    site.signal(GATEWAY, "STOP")
    site.machine.until("systemd misses its word", lambda: site.restarts(GATEWAY) == 1)
    known = site.pressed()

    def heard() -> bool:
        if site.pressed() == known:
            site.press()
        return site.pressed() > known

    site.machine.until("a press is heard again", heard)


def copy(site: Site) -> None:
    site.machine.run("systemctl start hearthwatch-backup")
    if not site.machine.run("ls /srv/copies").startswith("hub-"):
        raise StepError("no copy was made")


def take_it_back(site: Site) -> None:
    """The disk is lost: an empty folder, the key file from elsewhere, the copy, as root."""
    known = site.pressed()
    site.machine.run(
        f"systemctl stop {HUB}\nmkdir /root/lost\nmv {STATE}/* /root/lost/\n"
        f"cp -r /root/lost/keys {STATE}/\n"
        f"hearthwatch restore --config {CONFIG} /srv/copies/hub-*.zip\nsystemctl start {HUB}"
    )
    site.machine.until("the restored hub is ready", site.ready)
    site.machine.run(f"hearthwatch doctor --hub {CONFIG}")
    site.be("li")
    if site.pressed() != known:
        raise StepError(f"{site.pressed()} presses for {known}")


def sign_gateways(site: Site) -> None:
    """The authority of gateways' certificates, and the broker's list read anew."""
    toml = site.machine.root / CONFIG.lstrip("/")
    toml.write_text(toml.read_text() + ENROLMENT)
    site.machine.run(
        "groupadd --system hearthwatch\ncd /srv/project/deploy/systemd\n"
        "install -m 644 * /etc/systemd/system/\n"
        "sed -i 's/^# SupplementaryGroups=h/SupplementaryGroups=h/' "
        f"/etc/systemd/system/{HUB}.service\n"
        "hearthwatch admin ca-init --dir /etc/hearthwatch/authority --host hub.example.org\n"
        f"hearthwatch admin broker-config --config {CONFIG} "
        "--authority /etc/hearthwatch/authority --out /etc/hearthwatch-broker "
        "--crlfile /etc/hearthwatch-broker/crl.pem\n"
        "mkdir -p /etc/systemd/system/mosquitto.service.d\n"
        r"printf '[Service]\nExecStart=\nExecStart=/usr/sbin/mosquitto -c "
        r"/etc/hearthwatch-broker/mosquitto.conf\n' "
        "> /etc/systemd/system/mosquitto.service.d/hearthwatch.conf"
        "\nsystemctl daemon-reload\nsystemctl enable --now hearthwatch-authority "
        "hearthwatch-broker-reload.path hearthwatch-broker-renew.timer\n"
        f"systemctl restart mosquitto {HUB}"
    )
    site.machine.until("the hub has an authority", site.ready)
    site.machine.run("systemctl start hearthwatch-broker-renew")
    read = "journalctl -u mosquitto -o cat | grep -c 'Sent signal SIGHUP'"
    before = site.machine.tried(read)
    site.machine.run(f"hearthwatch admin crl --config {CONFIG}")
    site.machine.until("the list is read again", lambda: site.machine.tried(read) > before)


def nothing_failed(site: Site) -> None:
    failed = site.machine.run("systemctl list-units --failed --plain --no-legend 'hearthwatch*'")
    if failed:
        raise StepError(failed)


_DOCTOR: Final = "/opt/hearthwatch/bin/hearthwatch doctor --gateway /etc/hearthwatch/gateway.toml"
STEPS: Final[tuple[tuple[str, Callable[[Site], None]], ...]] = (
    ("the hub as the guide has it", install_hub),
    ("an account", sign_in),
    ("the gateway as the guide has it", install_gateway),
    ("a press becomes an alarm", hear_a_press),
    ("a report as PDF", make_papers),
    ("the hub is killed, a press meanwhile is heard", kill_the_hub),
    ("the gateway hangs, and is started again", hang_the_gateway),
    ("a copy by the nightly unit", copy),
    ("the copy is taken back while the hub is stopped", take_it_back),
    ("the authority, and the broker's list read again", sign_gateways),
    ("no unit failed", nothing_failed),
)
