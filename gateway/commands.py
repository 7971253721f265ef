"""What the hub asks of a gateway. A command may come more than once and is done once."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from contract.envelope import Command
from contract.ids import is_name
from contract.item import Measurement, Scalar
from gateway.feedback import Feedback

# Ids of commands remembered, so that one sent twice is done once.
REMEMBERED_MAX: Final = 200


class DoneCommands:
    """Ids of the last commands; outlives a reload, which a command may have caused."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def first_time(self, command_id: str) -> bool:
        if command_id in self._ids:
            return False
        self._ids[command_id] = None
        while len(self._ids) > REMEMBERED_MAX:
            self._ids.popitem(last=False)
        return True


class Commands:
    """reassure  somebody has taken the alarm: the elder hears it
    identify  the gateway makes itself heard, so that an installer finds it
    test      a press marked as test travels the whole way: tone, spool, hub
    reload    the configuration is read again; with args.replay_after = N the gateway instead
              sends again what it still holds beyond that number (a hub restored from a backup)
    ask       the elder is asked whether all is well (`gateway.questions`)
    """

    def __init__(
        self,
        gateway: str,
        *,
        feedback: Feedback,
        offer: Callable[[Sequence[Measurement]], bool],
        reload: Callable[[], None],
        replay_after: Callable[[int], None],
        ask: Callable[[str, Mapping[str, Scalar]], None],
        done: DoneCommands,
        now_ms: Callable[[], int],
        log: Callable[[str, str], None],
    ) -> None:
        self._gateway = gateway
        self._feedback = feedback
        self._offer = offer
        self._reload = reload
        self._replay_after = replay_after
        self._ask = ask
        self._done = done
        self._now_ms = now_ms
        self._log = log

    def take(self, command: Command) -> None:
        device = command.device or self._gateway
        # The name becomes an argument of the installer's program.
        if not is_name(device):
            self._log("command_refused", f"{command.command}: device {device[:80]!r}")
            return
        if not self._done.first_time(command.id):
            return
        self._log("command", f"{command.command} {device}")
        match command.command:
            case "reassure":
                self._feedback.reassured(device)
            case "identify":
                self._feedback.received(device, "identify")
            case "ask":
                self._ask(device, command.args)
            case "test":
                self._test(device)
            case "reload":
                after = command.args.get("replay_after")
                if isinstance(after, int) and not isinstance(after, bool) and after >= 0:
                    self._replay_after(after)
                else:
                    self._reload()

    def _test(self, device: str) -> None:
        now_ms = self._now_ms()
        press = Measurement(
            device=device,
            kind="sos",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            attrs={"action": "test", "asked_by": "hub"},
        )
        self._offer([press])
