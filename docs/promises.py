"""What hearthwatch promises, fault by fault, with the test that shows it: `docs/promise.md`, with
the figures of the long runs that are kept in `docs/results`."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).resolve().parent / "results"

Counts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`tests` are files or `file::function`; `command` makes a long run; `bound` is what may be
    lost, or how long it may take."""

    name: str
    bound: str
    tests: tuple[str, ...]
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    text: str
    faults: tuple[Fault, ...]


_SIMULATED: Final = "tests/simulation/test_simulation.py::test_nothing_is_lost_doubled_or_invented"
_STEPS: Final = "tests/simulation/test_response.py::test_no_step_is_late_doubled_or_forgotten"
_SIM: Final = "./dev sim SEEDS=200"
_CHAOS: Final = "./dev chaos"

PROMISES: Final = (
    Promise(
        text="Every activation that a gateway accepted (committed; the elder heard the tone) yields"
        " exactly one event and belongs to exactly one alarm and one task.",
        faults=(
            Fault(
                name="kill -9, stop, restart of gateway, broker and hub",
                bound="0 lost, 0 doubled",
                tests=("tests/chaos/test_chaos.py", _SIMULATED),
                command=_CHAOS,
            ),
            Fault(
                name="power cut of gateway or hub, at any moment",
                bound="0 accepted rows lost; what was being written is there whole or not at all",
                tests=("tests/powercut/test_powercut.py", "tests/simulation/test_disk.py"),
                command="./dev powercut",
            ),
            Fault(
                name="the broker loses all it holds, or confirms and forgets",
                bound="0 lost",
                tests=(
                    _SIMULATED,
                    "tests/chaos/test_chaos.py::test_a_gateway_that_believes_the_broker_is_seen",
                ),
                command=_SIM,
            ),
            Fault(
                name="kill -9 of RabbitMQ, of one of its three nodes, of one of several workers or"
                " processes that serve pages or escalate; a queue deleted",
                bound="0 lost, 0 doubled",
                tests=(
                    "tests/ingest/amqp/test_urgent_client.py"
                    "::test_a_broker_that_is_killed_keeps_what_was_not_acknowledged",
                    "tests/ingest/amqp/test_urgent_client.py"
                    "::test_a_queue_that_is_taken_away_is_missed_and_made_again",
                    "tests/acceptance/test_second_path.py",
                ),
                command="./dev cluster",
            ),
            Fault(
                name="no line: cut, one way only, slow, flapping",
                bound="0 lost; a late press is an alarm, marked late",
                tests=(
                    _SIMULATED,
                    "tests/acceptance/test_second_path.py",
                    "tests/acceptance/test_sms_path.py",
                ),
                command=_CHAOS,
            ),
            Fault(
                name="disk full at the gateway",
                bound="readings go first; a press that can't be kept has no tone",
                tests=(
                    "tests/gateway/test_spool.py"
                    "::test_a_full_disk_refuses_readings_and_still_takes_presses",
                    "tests/gateway/test_spool.py"
                    "::test_when_nothing_is_left_a_press_is_refused_aloud_and_room_makes_it_work",
                ),
                command=_CHAOS,
            ),
            Fault(
                name="disk full at the hub",
                bound="nothing is acknowledged, `/readyz` is red, presses leave by the second path;"
                " goes on when there is room",
                tests=(
                    "tests/ledger/test_full_disk.py",
                    "tests/acceptance/test_full_hub.py",
                ),
                command=_CHAOS,
            ),
            Fault(
                name="damaged bytes: a row, a page, the middle of a log",
                bound="found and named; readable rows of a spool are kept, a book needs its copy",
                tests=("tests/gateway/test_spool_lane.py", "tests/ledger/test_soundness.py"),
            ),
            Fault(
                name="the hub's disk is gone, an older copy is taken back",
                bound="from either of the newest two checked copies, or one of the last 30 days,"
                " all activations are there again; readings since the copy aren't",
                tests=(
                    "tests/acceptance/test_restored_hub.py",
                    "tests/hearthwatch/test_checked_copies.py",
                    "tests/simulation/test_copies.py",
                    "tests/ingest/test_missing_items.py",
                ),
            ),
            Fault(
                name="an older image of a gateway's card, numbers given twice",
                bound="a new press is never taken for an old one",
                tests=(
                    "tests/gateway/test_spool_damage.py"
                    "::test_an_older_image_of_the_card_gives_no_id_twice",
                ),
            ),
            Fault(
                name="a newer program, its migration, the way back",
                bound="presses wait at the gateway; a newer book is refused by an older program; a"
                " copy from before is kept to go back to",
                tests=(
                    "tests/ledger/test_upgrade.py",
                    "tests/upgrade/test_killed_migration.py",
                    "tests/upgrade/test_stream.py",
                    "tests/upgrade/test_recorded.py",
                ),
                command="./dev upgrade",
            ),
            Fault(
                name="duplicates, disorder, holes",
                bound="one event; a hole that stays is an alarm within 15 s of being seen",
                tests=("tests/ingest/test_marks.py", "tests/ingest/test_missing_items.py"),
            ),
            Fault(
                name="too much at once",
                bound="readings give way, an activation never; every queue has a cap",
                tests=("tests/test_limits.py", "tests/ingest/test_overload.py"),
            ),
            Fault(
                name="hours of load",
                bound="memory, handles and logs of hub and gateway stay as they are (the command"
                " shows it; the test holds how it judges)",
                tests=("tests/soak/test_flat.py",),
                command="./dev soak",
            ),
        ),
    ),
    Promise(
        text="Nothing but a named human closes an alarm about a person who called.",
        faults=(
            Fault(
                name="silence, restart, time-outs, a device's all-clear",
                bound="never",
                tests=(
                    "tests/alarms/test_lifecycle.py::test_time_never_closes",
                    "tests/alarms/test_lifecycle.py"
                    "::test_the_system_never_closes_an_alarm_about_a_person",
                    "tests/simulation/test_simulation.py::test_planted_mistakes_are_caught",
                ),
                command=_CHAOS,
            ),
        ),
    ),
    Promise(
        text="The next step of an escalation comes in its time and one tick, whatever the clock"
        " does.",
        faults=(
            Fault(
                name="kills, jumping clocks, dead channels, people asleep",
                bound="early is allowed, late is not; none twice, none forgotten",
                tests=(
                    _STEPS,
                    "tests/simulation/test_response.py::test_planted_mistakes_are_caught",
                ),
                command="./dev response",
            ),
            Fault(
                name="two hubs on one book",
                bound="one of them writes; the other takes over",
                tests=("tests/ledger/test_two_hubs.py", "tests/simulation/test_two_hubs.py"),
                command="./dev sim HUBS=2 SEEDS=50",
            ),
            Fault(
                name="nobody on duty",
                bound="told hours ahead, and again when it is near",
                tests=("tests/alarms/stories/test_coverage.py",),
            ),
        ),
    ),
    Promise(
        text="No sign of life is judged as well, silent, or cannot judge; missing data is no"
        " silence.",
        faults=(
            Fault(
                name="gateway or meter lost, village dark, restart",
                bound="cannot judge; states survive the restart",
                tests=(
                    "tests/rules/test_silence_meters.py",
                    "tests/rules/test_supply.py",
                    "tests/rules/test_silence_states.py"
                    "::test_restart_at_every_reading_gives_the_same",
                ),
                command="./dev eval",
            ),
        ),
    ),
    Promise(
        text="Readings that arrive late change the chart and wake nobody.",
        faults=(
            Fault(
                name="a backlog, a cuff that sends its memory, doubtful clocks",
                bound="never",
                tests=(
                    "tests/rules/test_invariants.py::test_what_arrives_late_wakes_nobody",
                    "tests/ingest/test_doubtful_time.py",
                ),
            ),
        ),
    ),
    Promise(
        text="No limit of rates, no grouping and no absence swallows a call for help.",
        faults=(
            Fault(
                name="storms of alarms, limits of providers",
                bound="every press is heard once",
                tests=(
                    "tests/rules/test_invariants.py"
                    "::test_every_press_is_heard_once_and_a_test_wakes_nobody",
                    "tests/alarms/test_limits.py::test_half_of_a_limit_is_kept_for_what_is_urgent",
                ),
            ),
        ),
    ),
    Promise(
        text="Nobody reads or changes what role and region don't give them; every look is on"
        " record.",
        faults=(
            Fault(
                name="every route, role and region",
                bound="as the table says",
                tests=(
                    "tests/dashboard/test_access_matrix.py::test_every_cell",
                    "tests/dashboard/test_region_isolation.py",
                    "tests/dashboard/test_audit_trail.py",
                    "tests/ledger/test_chain.py",
                ),
            ),
        ),
    ),
)

_HEAD: Final = """# What is promised, and how it is shown

Each promise with the faults it must outlive, what may be lost at most, and the test that fails
when it does not hold. All tests named here run in `./dev test`; the commands make the same longer.
Written by `./dev docs` from `docs/promises.py` and `docs/results`; a test holds that every test and
command named here exists.

What is outside: a disk that loses what it confirmed, a spool that is destroyed before its press was
sent, a gateway without power and without a battery, a radio frame that nobody heard (then there is
no tone).
"""


def _powercut(counts: Counts) -> Iterator[str]:
    for one in counts["outcomes"]:
        accepted = sum(one["accepted"].values())
        sync = "" if one["level"] == "FULL" else ", **without a sync per commit** (must lose)"
        yield (
            f"`{one['store']}`{sync}: {one['cuts']} power cuts, {one['reboots']} reboots,"
            f" {accepted:,} accepted, {one['checked']:,} looks, {one['lost']:,} lost,"
            f" {one['torn']} torn"
        )


def _chaos(counts: Counts) -> Iterator[str]:
    yield (
        f"{sum(counts['kills'].values()):,} kills, {counts['accepted']:,} accepted,"
        f" {counts['lost']} lost, {counts['doubled']} doubled,"
        f" {counts['closed_by_silence']} closed by silence"
    )
    # What the judge held against the run beside the promise.
    for wrong in counts.get("wrong", ()):
        yield f"beside that: {wrong}"


def _soak(counts: Counts) -> Iterator[str]:
    yield (
        f"{counts['hours']:g} hours of load: {counts['presses_accepted']:,} presses accepted,"
        f" {counts['presses_lost']} lost, {counts['readings_told']:,} readings"
    )
    for name, (middle, end) in counts["usual"].items():
        unit, size = ("", 1) if name.endswith("fds") else (" MB", 1e6)
        yield f"{name}: {middle / size:,.0f} in the middle, {end / size:,.0f}{unit} at the end"


def _upgrade(counts: Counts) -> Iterator[str]:
    yield f"beside the program of commit {counts['beside']}"
    for what, found in counts.items():
        if isinstance(found, dict):
            yield f"{what}: " + ", ".join(f"{number:,} {name}" for name, number in found.items())


def _cluster(counts: Counts) -> Iterator[str]:
    readings, boards = counts["readings"], counts["boards"]
    each = ", ".join(f"{kind} {times}" for kind, times in counts["kills"].items())
    yield (
        f"{sum(counts['kills'].values()):,} kills ({each}); {counts['accepted']:,} presses,"
        f" {counts['lost']} lost, {counts['doubled']} doubled; {readings['accepted']:,} readings,"
        f" {readings['lost']} lost, {readings['doubled']} doubled"
    )
    yield (
        f"{boards['open']} boards were told {boards['told']:,} of {boards['entries']:,} entries,"
        f" resumed {boards['resumed']} times"
    )
    worst = {kind: still["most"] for kind, still in counts["still_s"].items() if "most" in still}
    yield "stood still for at most " + ", ".join(f"{s:g} s ({kind})" for kind, s in worst.items())
    for wrong in counts["wrong"]:
        yield f"beside that: {wrong}"


def _plain(counts: Counts) -> Iterator[str]:
    """Of a run that this page has no words for yet."""
    figures = [f"{name} {n:,}" for name, n in counts.items() if isinstance(n, int | float)]
    yield ", ".join(figures) or "see the file"


# By the beginning of the file's name.
_FIGURES: Final[Mapping[str, Callable[[Counts], Iterator[str]]]] = {
    "powercut": _powercut,
    "chaos": _chaos,
    "cluster": _cluster,
    "soak": _soak,
    "upgrade": _upgrade,
}


def page() -> str:
    parts = [_HEAD]
    for number, promise in enumerate(PROMISES, start=1):
        parts.append(f"\n## {number}. {promise.text}\n")
        parts.append("| fault | at most | shown by | longer |\n|---|---|---|---|\n")
        for fault in promise.faults:
            tests = "<br>".join(f"`{test}`" for test in fault.tests)
            command = f"`{fault.command}`" if fault.command else ""
            parts.append(f"| {fault.name} | {fault.bound} | {tests} | {command} |\n")
    parts.append("\n## Long runs\n")
    parts += [_run(path) for path in sorted(RESULTS.glob("*.json"))]
    return "".join(parts)


def _run(path: Path) -> str:
    found = json.loads(path.read_text(encoding="utf-8"))
    words = next((f for name, f in _FIGURES.items() if path.stem.startswith(name)), _plain)
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = "".join(f"- {line}\n" for line in words(found["counts"]))
    return (
        f"\n`{found['command']}`: {found['date']}, commit {found['commit']}, seed {found['seed']},"
        f" {found['machine']}, {versions}.\n\n{lines}"
    )
