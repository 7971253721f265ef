"""A short run of every fuzz target, and proof that the fuzzer finds what is planted.

Every input of the short run is traced, so that a hang is a number of lines and not a time.
"""

import mmap
from random import Random

import pytest

from gateway.drivers.dlt645.frame import Framer
from gateway.registry import DRIVERS
from tests.fuzz import dlt645_bus, dlt645_frames, modbus_bus, run
from tests.fuzz.engine import Coverage, Fuzzer, Target
from tests.fuzz.mutations import INPUT_BYTES_MAX, mutate, mutate_json
from tests.fuzz.targets import targets

TARGETS = targets()
# A script of the bus is a hundred turns: it costs fifty times a frame.
INPUTS = {"dlt645-bus": 300, "modbus-bus": 300}
UNMEASURED = run.Spent(elapsed_s=0, cpu_s=0, settled_kib=0, end_kib=0)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_nothing_breaks_it(name) -> None:
    fuzzer = Fuzzer(TARGETS[name], Coverage(run.WATCHED), seed=5, trace_every=8)
    report = fuzzer.run(INPUTS.get(name, 3000))
    assert report.clean, run.told(report, UNMEASURED)
    assert report.inputs == INPUTS.get(name, 3000)
    assert report.edges > 1  # a driver with little to decode has few lines


def test_every_driver_is_fuzzed() -> None:
    assert set(DRIVERS) <= set(TARGETS)


def test_regressions() -> None:
    """Inputs that once broke something."""
    # B0 with length 0: its count stood outside of the frame.
    TARGETS["ev1527"].run(bytes.fromhex("AAB00055"))
    TARGETS["ev1527"].run(bytes.fromhex("AAB0030901AA55"))
    # A meter of no phases: nothing to take the fullest of, nor to sum up.
    TARGETS["tasmota"].run(b'tele/m/SENSOR\x00{"ENERGY": {"Current": [], "Power": []}}')


def explodes_deep(data: bytes) -> frozenset[int]:
    """A failure behind four conditions: blind luck needs 2^32 inputs, coverage some thousands."""
    if data[:1] == b"\xaa":
        if data[1:2] == b"\x55":
            if data[2:3] == b"\x68":
                if data[3:4] == b"\x16":
                    raise RuntimeError("planted")
                return frozenset({3})
            return frozenset({2})
        return frozenset({1})
    return frozenset({0})


def test_coverage_leads_to_what_chance_would_not_find() -> None:
    target = Target(name="planted", run=explodes_deep, seeds=[bytes(8)])
    report = Fuzzer(target, Coverage([__file__]), trace_every=1).run(60_000)
    assert len(report.crashes) == 1
    assert "planted" in next(iter(report.crashes))
    assert next(iter(report.crashes.values()))[:4] == b"\xaa\x55\x68\x16"


def test_a_loop_without_end_is_a_hang() -> None:
    def spins(data: bytes) -> frozenset[int]:
        while data[:1] == b"\x68":
            pass
        return frozenset()

    target = Target(name="planted", run=spins, seeds=[b"\x68"])
    report = Fuzzer(target, Coverage([__file__], steps_max=1000), trace_every=1).run(1)
    assert report.hangs == [b"\x68"]
    assert not report.clean


def test_the_same_seed_makes_the_same_inputs() -> None:
    def inputs(seed: int) -> list[bytes]:
        seen: list[bytes] = []

        def note(data: bytes) -> frozenset[int]:
            seen.append(data)
            return frozenset()

        target = Target(name="t", run=note, seeds=[b"abc", b"defgh"])
        Fuzzer(target, Coverage([__file__]), seed=seed).run(50)
        return seen

    assert inputs(1) == inputs(1)
    assert inputs(1) != inputs(2)


def test_repaired_frames_are_good_ones() -> None:
    random = Random(1)
    for _ in range(200):
        raw = bytearray(dlt645_frames.GOOD)
        raw[random.randrange(8, len(raw))] ^= 1 << random.randrange(8)
        repaired = dlt645_frames.repair(random, bytes(raw))
        assert dlt645_frames.standing(repaired), repaired.hex()
        fresh = dlt645_frames.fresh(random)
        assert dlt645_frames.standing(fresh), fresh.hex()


def test_mutations_stay_within_their_size() -> None:
    random = Random(1)
    corpus = [bytes(INPUT_BYTES_MAX)]
    for _ in range(300):
        assert len(mutate(random, corpus, [b"x" * 100])) <= INPUT_BYTES_MAX
        assert len(mutate_json(random, b'{"a": 1, "b": "ON"}')) <= INPUT_BYTES_MAX
    assert mutate_json(random, b"no json") == b"no json"


def test_a_framer_that_forgets_the_checksum_is_caught(monkeypatch) -> None:
    monkeypatch.setattr("gateway.drivers.dlt645.frame.checksum", lambda body: body[-1] & 0)
    with pytest.raises(AssertionError):
        dlt645_frames.run(dlt645_frames.GOOD)
    assert Framer().feed(dlt645_frames.GOOD) != []


@pytest.mark.parametrize("name", ["_matches", "_clocks"])
def test_a_master_with_a_mistake_is_caught(name, monkeypatch) -> None:
    """Answers of anybody taken as the asked one's; a clock set back that nobody notices."""
    wrong = {
        "_matches": lambda self, frame, meaning, asked: asked.meter is not None,
        "_clocks": lambda self, now_ms, line_ms: line_ms,
    }
    monkeypatch.setattr(f"gateway.drivers.dlt645.master.Master.{name}", wrong[name])
    report = Fuzzer(TARGETS["dlt645-bus"], Coverage(run.WATCHED), trace_every=8).run(400)
    assert report.crashes


def test_only_reading_requests_pass_the_bus() -> None:
    with pytest.raises(AssertionError, match="not a reading"):
        dlt645_bus.question(dlt645_frames.encode("000000000161", 0x14, bytes(12)))
    with pytest.raises(AssertionError, match="not a reading"):
        modbus_bus.question(modbus_bus.sealed(bytes((200, 6, 0, 1, 0, 1))))


def test_the_command(capsys) -> None:
    assert run.main(["--target", "ev1527", "--inputs", "500"]) == 0
    line = capsys.readouterr().out
    assert line.startswith("ev1527: 500 inputs, 0 crashes, 0 hangs, peak ")
    assert run.main(["--target", "ev1527", "--replay", "AAB00055"]) == 0
    with pytest.raises(SystemExit):
        run.main(["--replay", "00"])


def test_memory_that_grows_is_shown() -> None:
    kept: list[mmap.mmap] = []

    def leaks(data: bytes) -> frozenset[int]:
        # Pages of their own: an allocator would take them from what other tests gave back.
        kept.append(mmap.mmap(-1, 16 * 1024))
        kept[-1].write(bytes(16 * 1024))
        return frozenset()

    leaking = Target(name="planted", run=leaks, seeds=[b"a"])
    report, spent = run.fuzz(leaking, 4000, seed=1)
    assert report.inputs == 4000
    # 95 % of 62 MiB; what others free meanwhile may take a part of it.
    assert spent.end_kib - spent.settled_kib > 40 * 1024
    assert run.resident_kib() >= spent.end_kib // 2
    assert f"({spent.settled_kib / 1024:.1f} after 5 %, " in run.told(report, spent)
    for pages in kept:
        pages.close()


def test_an_interrupted_run_tells_what_it_did(monkeypatch, capsys) -> None:
    calls = 0

    def interrupted(data: bytes) -> frozenset[int]:
        nonlocal calls
        calls += 1
        if calls == 40:
            raise KeyboardInterrupt
        return frozenset()

    target = Target(name="planted", run=interrupted, seeds=[b"a"])
    monkeypatch.setattr(run, "targets", lambda: {"planted": target})
    assert run.main(["--inputs", "100"]) == 0
    line = capsys.readouterr().out
    assert line.startswith("planted: 40 inputs, 0 crashes")
    assert " 1 kept, " in line


def test_the_command_shows_what_broke_and_how_to_see_it_again(monkeypatch, capsys) -> None:
    target = Target(name="planted", run=explodes_deep, seeds=[b"\xaa\x55\x68\x16"])
    monkeypatch.setattr(run, "targets", lambda: {"planted": target})
    assert run.main(["--inputs", "1"]) == 1
    out = capsys.readouterr().out
    assert "1 crashes" in out
    assert "--target planted --replay aa556816" in out
    with pytest.raises(RuntimeError, match="planted"):
        run.main(["--target", "planted", "--replay", "aa556816"])
