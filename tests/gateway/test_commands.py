"""What the hub asks: each command once, names checked before they reach a program."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from contract.envelope import Command
from contract.item import Measurement
from gateway.commands import REMEMBERED_MAX, Commands, DoneCommands
from gateway.feedback import PARALLEL_MAX, Feedback, FeedbackCommands
from tests.adapters.gateway_items import NOW_MS

DEADLINE_S = 30


class Sounds:
    """Feedback that is written down instead of heard."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def received(self, device: str, kind: str) -> None:
        self.heard.append(f"{kind} {device}")

    def reassured(self, device: str) -> None:
        self.heard.append(f"coming {device}")


class Desk:
    def __init__(self, done: DoneCommands | None = None) -> None:
        self.sounds = Sounds()
        self.offered: list[Measurement] = []
        self.replayed: list[int] = []
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.reloads = 0
        self.logged: list[str] = []
        self.commands = Commands(
            "gw-1",
            feedback=self.sounds,  # type: ignore[arg-type]  # the two methods that are used
            offer=self.offer,
            reload=self.reload,
            replay_after=self.replayed.append,
            ask=lambda device, args: self.asked.append((device, dict(args))),
            done=done or DoneCommands(),
            now_ms=lambda: NOW_MS,
            log=lambda event, detail: self.logged.append(event),
        )

    def offer(self, batch: list[Measurement]) -> bool:
        self.offered += batch
        return True

    def reload(self) -> None:
        self.reloads += 1

    def take(self, command_id: str, name: str, device: str | None = None, **args: object) -> None:
        self.commands.take(Command(id=command_id, command=name, device=device, args=args))


def test_each_command_does_its_own_thing() -> None:
    desk = Desk()
    desk.take("1", "reassure", "button-1")
    desk.take("2", "identify")
    desk.take("3", "test", "button-2")
    desk.take("4", "reload")
    desk.take("5", "reload", replay_after=17)
    assert desk.sounds.heard == ["coming button-1", "identify gw-1"]
    assert [(m.device, m.kind, m.attrs["action"]) for m in desk.offered] == [
        ("button-2", "sos", "test")
    ]
    desk.take("6", "ask", "well-1", alarm="a-1", for_s=300)
    assert (desk.reloads, desk.replayed) == (1, [17])
    assert desk.asked == [("well-1", {"alarm": "a-1", "for_s": 300})]


@pytest.mark.parametrize("after", [-1, True, "3", 1.5])
def test_a_replay_from_nowhere_is_no_replay(after: object) -> None:
    desk = Desk()
    desk.take("1", "reload", replay_after=after)
    assert desk.replayed == []


def test_a_repeated_command_is_done_once_even_after_a_reload() -> None:
    done = DoneCommands()
    desk = Desk(done)
    desk.take("1", "reload")
    desk.take("1", "reload")
    assert desk.reloads == 1
    again = Desk(done)
    again.take("1", "reload")
    assert again.reloads == 0


def test_remembered_commands_are_bounded() -> None:
    done = DoneCommands()
    for number in range(REMEMBERED_MAX + 1):
        assert done.first_time(str(number))
    assert not done.first_time(str(REMEMBERED_MAX))
    assert done.first_time("0")
    assert len(done._ids) == REMEMBERED_MAX


@pytest.mark.parametrize("device", ["--volume=0", "a b", "x" * 65, "../x", "按钮"])
def test_no_name_of_a_device_reaches_a_program(device: str) -> None:
    desk = Desk()
    for number, name in enumerate(("reassure", "identify", "test", "ask")):
        desk.take(str(number), name, device)
    assert desk.sounds.heard == []
    assert desk.offered == []
    assert desk.asked == []
    assert desk.logged == ["command_refused"] * 4


async def until(condition) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - files have no event
            await asyncio.sleep(0.01)


def script(folder: Path, text: str) -> list[str]:
    path = folder / "say.py"
    path.write_text(text)
    return [sys.executable, str(path)]


async def test_placeholders_are_arguments_and_never_a_shell(tmp_path: Path) -> None:
    out = tmp_path / "out"
    line = script(tmp_path, f"import sys\nopen({str(out)!r}, 'w').write(repr(sys.argv[1:]))")
    feedback = Feedback(
        FeedbackCommands(received=[*line, "{device}", "k={kind}; touch x"]), lambda *_: None
    )
    feedback.received("button-1", "sos")
    await until(lambda: out.exists() and out.read_text())
    assert out.read_text() == repr(["button-1", "k=sos; touch x"])
    await feedback.close()


async def test_a_jammed_button_is_no_fork_bomb_and_a_close_ends_what_hangs(tmp_path: Path) -> None:
    """The programs wait for ever; they are ended with the gateway."""
    line = script(
        tmp_path,
        "import os, signal, sys\n"
        "open(f'{sys.argv[1]}/pid-{os.getpid()}', 'w').close()\nsignal.pause()",
    )
    logged: list[str] = []
    feedback = Feedback(
        FeedbackCommands(received=[*line, str(tmp_path)]), lambda event, _d: logged.append(event)
    )
    for _ in range(PARALLEL_MAX + 3):
        feedback.received("button-1", "sos")
    await until(lambda: len(list(tmp_path.glob("pid-*"))) == PARALLEL_MAX)
    assert logged == ["feedback_skipped"] * 3
    assert feedback.skipped == 3
    pids = [int(name.removeprefix("pid-")) for name in os.listdir(tmp_path) if "pid-" in name]
    await feedback.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_program_that_fails_is_only_logged(tmp_path: Path) -> None:
    logged: list[str] = []
    missing = Feedback(
        FeedbackCommands(received=[str(tmp_path / "none")]), lambda event, _d: logged.append(event)
    )
    missing.received("button-1", "sos")
    failing = Feedback(
        FeedbackCommands(reassured=script(tmp_path, "raise SystemExit(3)")),
        lambda _event, detail: logged.append(detail),
    )
    failing.reassured("button-1")
    await until(lambda: len(logged) == 2)
    assert sorted(logged) == [f"{sys.executable} ended with 3", "feedback_failed"]
