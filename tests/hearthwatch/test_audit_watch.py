"""A copy of the trail that is behind is seen by figures and by an alarm, after its time and not
before; so is a book that is not as it was copied."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from hearthwatch.audit_copy.copying import AuditCopy
from hearthwatch.audit_copy.sinks import Away, FileSink
from hearthwatch.audit_copy.watch import CopyWatch
from hearthwatch.enrolling import NoEnrolling
from hearthwatch.housekeeping import House
from ledger.schema import ALARM, AUDIT
from tests.adapters.hub_bench import Bench
from tests.adapters.sealed import sealed_file

LATE_MS = 900_000


class Disk(FileSink):
    away = False

    async def places(self):
        if self.away:
            raise Away("the disk is not there")
        return await super().places()

    async def take(self, name, found) -> None:
        if self.away:
            raise Away("the disk is not there")
        await super().take(name, found)


class World:
    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder, sealed_file(folder / "hub" / "hub.db"))
        self.engine = self.bench.book.open_copier()
        self.disk = Disk(folder / "trail.jsonl")
        self.book_fails = False
        self.log: list[str] = []
        self.restart()

    def restart(self) -> None:
        bench = self.bench
        self.house = House(
            bench.hub.config, bench.hub.side, self.engine, NoEnrolling(), bench.clock.now_ms
        )

        async def tell(*said) -> None:
            if self.book_fails:
                raise OSError("disk full")
            await self.house._told(*said)

        self.watch = CopyWatch(
            self.engine, LATE_MS, bench.clock.now_ms, tell, lambda *said: self.log.append(said[0])
        )
        self.watch.copy = AuditCopy(self.engine, self.disk, lambda *_said: None)

    def looked(self, actor: str) -> None:
        self.bench.change(lambda unit: unit.audit(actor, "viewed", "person:p-1"))

    def pass_s(self, seconds: int) -> None:
        """The copy and its watch at their work, and the time."""
        self.bench.clock.at_ms += seconds * 1000

        async def round_() -> None:
            async def pause(_seconds: float) -> None:
                raise asyncio.CancelledError

            for _ in range(3):
                await asyncio.gather(
                    asyncio.create_task(self.watch.copy.run(pause)), return_exceptions=True
                )
            await self.watch.look()

        asyncio.run(round_())

    def alarms(self) -> list[tuple[str, str]]:
        return [(row["rule"], row["state"]) for row in self.bench.rows(ALARM)]

    def figures(self) -> dict[str, float]:
        registry = CollectorRegistry()
        self.watch.measure(registry)
        return {
            metric.name.removeprefix("hearthwatch_audit_copy_"): metric.samples[0].value
            for metric in registry.collect()
        }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.engine.dispose()
    world.bench.hub.close()


def test_a_copy_that_keeps_up_is_no_news(world: World) -> None:
    for number in range(5):
        world.looked(f"duty-{number}")
        world.pass_s(600)
    assert world.alarms() == []
    figures = world.figures()
    assert (figures["behind_rows"], figures["waits_seconds"]) == (0, 0)
    assert figures["newest_seconds"] == world.bench.rows(AUDIT)[-1]["at_ms"] // 1000


def test_one_that_does_not_is_an_alarm_after_its_time_and_ends_by_itself(world: World) -> None:
    world.looked("duty-1")
    world.pass_s(1000)
    world.disk.away = True
    world.looked("duty-2")
    world.looked("duty-3")
    world.pass_s(890)
    assert world.alarms() == []
    assert world.figures()["behind_rows"] == 2
    assert world.figures()["waits_seconds"] == 890
    world.pass_s(20)
    assert world.alarms() == [("watchdog_audit_copy", "open")]
    world.pass_s(20)
    world.disk.away = False
    world.pass_s(20)
    assert world.alarms() == [("watchdog_audit_copy", "closed")]
    assert world.figures()["waits_seconds"] == 0


def test_an_alarm_of_before_a_restart_ends_too(world: World) -> None:
    world.pass_s(1000)
    world.disk.away = True
    world.looked("duty-1")
    world.pass_s(1000)
    assert world.alarms() == [("watchdog_audit_copy", "open")]
    world.restart()
    world.disk.away = False
    world.pass_s(5)
    assert world.alarms() == [("watchdog_audit_copy", "closed")]


def test_an_old_book_that_is_copied_for_the_first_time_is_none(world: World) -> None:
    world.looked("duty-1")
    world.bench.clock.at_ms += 90 * 86_400_000
    world.restart()
    world.disk.away = True
    world.pass_s(60)
    assert world.alarms() == []
    world.pass_s(900)
    assert world.alarms() == [("watchdog_audit_copy", "open")]


def test_what_could_not_be_told_is_told_by_the_next_look(world: World) -> None:
    world.pass_s(1000)
    world.disk.away, world.book_fails = True, True
    world.looked("duty-1")
    world.pass_s(1000)
    assert world.alarms() == []
    assert "audit_copy_not_looked_at" in world.log
    world.book_fails = False
    world.pass_s(15)
    assert world.alarms() == [("watchdog_audit_copy", "open")]


def test_a_book_that_is_not_as_it_was_copied_is_an_alarm_that_stays(world: World) -> None:
    world.looked("duty-1")
    world.looked("duty-2")
    world.pass_s(10)
    world.bench.change(lambda unit: unit.execute("DELETE FROM audit WHERE actor = 'duty-2'"))
    world.pass_s(10)
    assert world.alarms() == [("watchdog_audit_differs", "open")]
    world.pass_s(1000)
    assert world.alarms() == [("watchdog_audit_differs", "open")]
    assert world.figures()["differences"] == 1
