"""`hearthwatch demo`: the whole system on this machine, with simulated homes that live.

Broker, hub, one gateway process per village and the simulator are the real programs; only the
homes are simulated. They share an accelerated clock: first three days of routine in fast motion,
then a story at a minute a second.
"""

import argparse
import contextlib
import json
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from contract.clock import plan_from_json
from device_sims.roster import GatewayPlaces, gateway_toml, homes_toml, households
from device_sims.story import Event, Pace, Story, StoryError, seconds
from device_sims.story import load as load_story
from hearthwatch import demo_care, demo_faces, demo_office, demo_visits, embedded_broker
from hearthwatch.admin import add_user, random_password
from hearthwatch.book_change import change_book
from hearthwatch.clock import wall_ms
from hearthwatch.demo_past import send_past
from hearthwatch.demo_processes import STOP_TIMEOUT_S, Child, Stop, pause
from hearthwatch.demo_rota import seed as seed_rota
from hearthwatch.demo_words import first_steps, say, words
from hearthwatch.embedded_broker import Broker
from hearthwatch.hub_config import KEY_FILE
from hearthwatch.hub_config import load as load_hub
from ledger.place import Place, SqliteBook
from ledger.plan_words import say as say_plan
from ledger.register import store as store_roster
from ledger.roster import parse as parse_roster
from ledger.unit_of_work import UnitOfWork
from ledger.visiting.said import Said

SCENARIO: Final = Path(__file__).parent.parent / "device_sims" / "scenarios" / "demo.toml"
SEED: Final = 1
START_TIMEOUT_S: Final = 60.0
# Heartbeats of the accelerated gateways: ten simulated minutes are a quarter of a second in
# fast motion, and the rules' thresholds below are in proportion: reading a meter over its
# simulated serial line takes as long as ever, which is up to an hour of a simulated day.
HEARTBEAT_S: Final = 600.0
_RULES: Final = """\
[[rule]]
name = "gateway_silent"
kind = "gateway_silent"
after_s = 3600
[[rule]]
name = "device_silent"
kind = "device_silent"
least_s = 21600
[[rule]]
name = "village_dark"
kind = "village_dark"
settle_min = 40
"""
# A first start learns the past before the clock starts to run fast; so long that takes at most
# on a slow machine (in passing, what takes longer costs a few hours of routine).
PAST_LEAD_MS: Final = 15_000
LOGINS: Final = (
    ("admin", "系统管理员", "admin", ""),
    ("duty1", "值班员 李敏", "duty", ""),
    ("duty2", "值班员 周强", "duty", ""),
    ("duty3", "值班员 王磊", "duty", ""),
    ("duty4", "值班员 赵静", "duty", ""),
    ("manager1", "站长 孙梅", "manager", "610926"),
    ("visitor1", "探访员 陈芳", "visitor", "610926101"),
    ("visitor2", "探访员 吴涛", "visitor", "610926101"),
    *demo_office.LOGINS,
)


class Demo:
    """One run in one data folder."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.folder: Path = args.data_dir.resolve()
        self.port: int = args.port
        self.homes = demo_care.as_written_down(households(args.homes, SEED))
        self.story = self._story(args.speed, args.hold_at)
        self.gateways = sorted({h.gateway for h in self.homes})
        self.children: dict[str, Child] = {}
        self.began_ms = 0
        self.is_new = False
        self.passwords: dict[str, str] = {}
        self.dead: set[str] = set()
        # Visits that visitors have still to write down.
        self.visits: list[demo_visits.DemoVisit] = []

    @staticmethod
    def _story(speed: float | None, hold_at_s: int | None) -> Story:
        story = load_story(SCENARIO)
        paces = story.paces
        if speed is not None:
            paces = (*paces[:-1], Pace(at_s=paces[-1].at_s, speed=speed))
        if hold_at_s is not None:
            before = [pace for pace in paces if pace.at_s < hold_at_s]
            paces = (*before, Pace(at_s=hold_at_s, speed=1.0))
        return replace(story, paces=paces)

    # Files.

    def prepare(self, broker: Broker) -> None:
        """Configuration of every process, from what is here and what was here before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "homes.toml").write_text(homes_toml(self.homes))
        self._clock()
        self._hub_files(broker)
        for gateway in self.gateways:
            self._gateway_file(gateway, broker)

    def _clock(self) -> None:
        """A first start plays the story; a later one goes on where the simulated time stopped."""
        plan, state = self.folder / "clock.json", self.folder / "clock-state.json"
        now_ms = wall_ms()
        if state.exists():
            saved = json.loads(state.read_text())
            self.began_ms = saved["began_ms"]
            segments = self.story.resumed(now_ms, self.began_ms, saved["sim_ms"])
        else:
            self.is_new = True
            # The simulated past begins three days before now, at six in the morning there.
            day_ms = 86_400_000
            self.began_ms = (now_ms // day_ms - 4) * day_ms + 22 * 3_600_000
            segments = [
                [now_ms, self.began_ms - PAST_LEAD_MS, 1.0],
                *self.story.segments(now_ms + PAST_LEAD_MS, self.began_ms),
            ]
        plan.write_text(json.dumps({"v": 1, "segments": segments}))
        self.save_clock()

    def save_clock(self) -> None:
        plan = plan_from_json((self.folder / "clock.json").read_text())
        state = {"began_ms": self.began_ms, "sim_ms": plan.sim_ms(wall_ms())}
        fresh = self.folder / "clock-state.new"
        fresh.write_text(json.dumps(state))
        fresh.replace(self.folder / "clock-state.json")

    def _hub_files(self, broker: Broker) -> None:
        (self.folder / "rules.toml").write_text(_RULES)
        (self.folder / "hub.toml").write_text(
            'data_dir = "hub"\nclock_plan = "clock.json"\nrules = "rules.toml"\n'
            f'homes = "homes.toml"\n[http]\nport = {self.port}\n'
            f'[broker]\nport = {broker.port}\nusername = "{broker.username}"\n'
            f'password_file = "{broker.password_file}"\nprotocol = "{broker.protocol}"\n'
        )
        logins = self.folder / "logins.json"
        if logins.exists():
            self.passwords = json.loads(logins.read_text())
        book = self._book()
        roster = parse_roster(homes_toml(self.homes))
        change_book(book, lambda unit: store_roster(unit, roster))
        for username, name, role, region in LOGINS:
            if username not in self.passwords:
                password = random_password()
                add_user(book, username, name, role, region, password)
                self.passwords[username] = password
        if self.is_new:
            change_book(book, lambda unit: seed_rota(unit, self.began_ms))
            change_book(book, lambda unit: demo_care.seed(unit, self.homes, self.began_ms))
            # In the order of their days, as the files of people are read.
            change_book(book, lambda unit: demo_faces.seed(unit, self.homes, self.began_ms))
            change_book(book, lambda unit: demo_office.seed(unit, self.homes, self.began_ms))
            raised = demo_visits.raised(self.homes, self.began_ms)
            if raised is not None:
                change_book(book, lambda unit: self._raise(unit, raised))
        self.visits = demo_visits.visits(self.homes, self.began_ms)
        self.write_visits(self._now_ms())
        logins.touch(mode=0o600)
        logins.write_text(json.dumps(self.passwords))

    def _book(self) -> Place:
        """With the hub's keys, once its first start has made them and sealed what was there."""
        config = load_hub(self.folder / "hub.toml")
        if (config.data_dir / KEY_FILE).exists():
            return config.book
        return SqliteBook(path=config.data_dir / "hub.db")

    def _raise(self, unit: UnitOfWork, said: Said) -> None:
        say_plan(UnitOfWork(unit.cursor, self.began_ms), said, "manager1", said.region)

    def write_visits(self, now_ms: int) -> None:
        """Those that were made by now; what was written before changes nothing."""
        made = demo_visits.due(self.visits, now_ms)
        if made:
            book = self._book()
            change_book(book, lambda unit: demo_visits.write(unit, made))
            self.visits = [visit for visit in self.visits if visit not in set(made)]

    def _gateway_file(self, gateway: str, broker: Broker) -> None:
        places = GatewayPlaces(
            host="127.0.0.1",
            port=broker.port,
            username=broker.username,
            password_file=broker.password_file,
            protocol=broker.protocol,
            data_dir=self.folder / gateway,
            line_dir=self.folder / "lines",
            clock_plan=self.folder / "clock.json",
            heartbeat_s=HEARTBEAT_S,
        )
        path = self.folder / f"{gateway}.toml"
        path.write_text(gateway_toml(gateway, self.homes, places))

    # Processes.

    def start_hub(self) -> None:
        self._add("hub", ["hearthwatch", "hub", "--config", str(self.folder / "hub.toml")])

    def start_homes(self, broker: Broker) -> None:
        """The simulated homes, and a gateway for each village unless the story says it is dead."""
        simulator = [
            "device_sims",
            "run",
            f"--homes={len(self.homes)}",
            f"--seed={SEED}",
            f"--pty-dir={self.folder / 'lines'}",
            f"--broker=127.0.0.1:{broker.port}",
            f"--username={broker.username}",
            f"--password-file={broker.password_file}",
            f"--protocol={broker.protocol}",
            f"--clock-plan={self.folder / 'clock.json'}",
            f"--scenario={SCENARIO}",
            f"--story-began-ms={self.began_ms}",
        ]
        self._add("homes", simulator)
        self.dead = self._dead_already()
        for gateway in self.gateways:
            self._add(gateway, ["gateway", "--config", str(self.folder / f"{gateway}.toml")])

    def _dead_already(self) -> set[str]:
        """Gateways that the story has killed, and not started again, before a resumed run."""
        dead: set[str] = set()
        for event in self.story.events:
            if self._at_ms(event) < self._now_ms():
                gateway = str(event.fields.get("gateway"))
                if event.kind == "kill_gateway":
                    dead.add(gateway)
                elif event.kind == "start_gateway":
                    dead.discard(gateway)
        return dead

    def _add(self, name: str, module: Sequence[str]) -> None:
        command = [sys.executable, "-m", *module]
        child = Child(name=name, command=command, log=self.folder / f"{name}.log")
        self.children[name] = child
        if name not in self.dead:
            child.start()

    def _at_ms(self, event: Event) -> int:
        return self.began_ms + event.at_s * 1000

    def _now_ms(self) -> int:
        return plan_from_json((self.folder / "clock.json").read_text()).sim_ms(wall_ms())

    def wait_ready(self) -> bool:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s and self.children["hub"].alive:
            with contextlib.suppress(urllib.error.URLError, OSError):
                address = f"http://127.0.0.1:{self.port}/readyz"
                with urllib.request.urlopen(address, timeout=2) as answer:
                    if answer.status == 200:
                        return True
            pause(0.2)
        return False

    def stop(self) -> None:
        self.save_clock()
        for name in ("homes", *self.gateways, "hub"):
            if name in self.children:
                self.children[name].stop()

    def play(self, stopped: Stop) -> int:
        """Until Ctrl-C: keep the processes up, start and kill gateways as the story says."""
        plan = plan_from_json((self.folder / "clock.json").read_text())
        started_ms = plan.sim_ms(wall_ms())
        events = [e for e in self.story.events if self._at_ms(e) >= started_ms]
        last_save_s = 0.0
        while not stopped.wait(0.2):
            now_ms = plan.sim_ms(wall_ms())
            while events and self._at_ms(events[0]) <= now_ms:
                event = events.pop(0)
                say(words(event, self.homes))
                self._happen(event)
            for child in self.children.values():
                if not child.alive and child.name not in self.dead:
                    say(f"{child.name} ended by itself; its log: {child.log}")
                    return 1
            if time.monotonic() - last_save_s > 1:
                last_save_s = time.monotonic()
                self.save_clock()
                self.write_visits(now_ms)
        return 0

    def _happen(self, event: Event) -> None:
        """What is ours to do; the rest of the story is the simulator's."""
        gateway = str(event.fields.get("gateway"))
        if gateway not in self.gateways:
            return
        if event.kind == "kill_gateway":
            self.dead.add(gateway)
            self.children[gateway].kill()
        elif event.kind == "start_gateway" and gateway in self.dead:
            self.children[gateway].start()
            self.dead.discard(gateway)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "demo",
        help="the whole system on this machine with simulated homes",
        epilog="example: hearthwatch demo --homes 24 --port 8080. Ctrl-C stops; the next start "
        "goes on from the same data; --reset starts over.",
    )
    parser.add_argument("--homes", type=int, default=24)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--speed", type=float, help="of the story, after the fast motion (60)")
    parser.add_argument(
        "--hold-at",
        type=_story_time,
        metavar="TIME",
        help="of the story, '74h 45m': from there on the clock runs as clocks do",
    )
    parser.add_argument("--data-dir", type=Path, default=Path("demo-data"))
    parser.add_argument("--reset", action="store_true", help="throw the old data away first")
    parser.set_defaults(func=main)


def _story_time(text: str) -> int:
    try:
        at_s = seconds(text, "--hold-at")
    except StoryError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if at_s == 0:
        raise argparse.ArgumentTypeError("--hold-at: the story has to begin")
    return at_s


def main(args: argparse.Namespace) -> int:
    if args.reset and (args.data_dir / "clock-state.json").exists():
        shutil.rmtree(args.data_dir)
    stopped = Stop()
    demo = Demo(args)
    say("starting the broker")
    demo.folder.mkdir(parents=True, exist_ok=True)
    broker = embedded_broker.start(demo.folder / "broker")
    try:
        say(f"broker: {broker.name} (MQTT {broker.protocol})")
        demo.prepare(broker)
        say(f"starting the hub, {len(demo.gateways)} gateways and {len(demo.homes)} homes")
        demo.start_hub()
        if not demo.wait_ready():
            say(f"the hub did not come up; its log: {demo.folder / 'hub.log'}")
            return 1
        if demo.is_new:
            count = send_past(broker, demo.homes, demo.began_ms)
            say(f"the hub has learnt {count} readings of the last four weeks")
        demo.start_homes(broker)
        _announce(demo)
        return demo.play(stopped)
    finally:
        say("stopping")
        demo.stop()
        broker.process.terminate()
        broker.process.wait(STOP_TIMEOUT_S)


def _announce(demo: Demo) -> None:
    say("")
    say(f"the live board: http://127.0.0.1:{demo.port}/")
    for username, _name, role, _region in LOGINS:
        say(f"  {role:10} {username:12} {demo.passwords[username]}")
    say("")
    if demo.is_new:
        say("three days of routine pass in about two minutes; then the story begins.")
    for line in first_steps(demo.passwords["duty1"]):
        say(line)
    say("Ctrl-C stops.")
