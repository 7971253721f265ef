"""The clocks of a machine whose battery is empty, set by the test."""

from gateway.clock import LOOK_EVERY_MS, Clock, Machine


class MachineClocks:
    """Starts in 1970; `boot_ms` is how long it has been running."""

    def __init__(self, boot: str = "boot-1") -> None:
        self.boot = boot
        self.boot_ms = 5_000
        self.wall_ms = 5_000
        self.kept = False

    def process(self) -> Clock:
        """The gateway's clock in a process that starts now."""
        return Clock(
            machine=Machine(
                boot=lambda: self.boot,
                boot_ms=lambda: self.boot_ms,
                wall_ms=lambda: self.wall_ms,
                kept=lambda: self.kept,
            )
        )

    def pass_ms(self, ms: int = LOOK_EVERY_MS) -> None:
        self.boot_ms += ms
        self.wall_ms += ms

    def set_by_ntp(self, wall_ms: int) -> None:
        self.wall_ms, self.kept = wall_ms, True
        self.pass_ms()

    def set_by_hand(self, by_ms: int) -> None:
        self.wall_ms += by_ms
        self.kept = False
        self.pass_ms()

    def power_cut(self, boot: str, wall_ms: int = 5_000) -> None:
        """Off and on again, without a battery."""
        self.boot, self.boot_ms, self.wall_ms, self.kept = boot, 5_000, wall_ms, False
