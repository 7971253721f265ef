"""Gateway programs as they are installed, each with a receiver of buttons and a meter's P1 port on
pseudo-terminals that are ours to write to."""

import os
import sys
import tty
from pathlib import Path
from typing import Final

from gateway.crc16 import crc16
from gateway.drivers.dsmr.telegram import CRC_START
from tests.acceptance.rig import Program
from tests.adapters.rows import rows_of
from tests.chaos.checker import Accepted
from tests.cluster.judge import Spooled
from tests.cluster.light import LANES, METER, PRESSES_A_BUTTON

# A receiver's frame up to the code of the button.
PRESS_BEGINS: Final = b"\xaa\xa4\x25\x08\x01\x4a\x03\xde"
# Fewer than this count as repeats of a press that is being sent.
REPEAT_MS: Final = 100
_SPOOL: Final = "SELECT (SELECT value FROM meta WHERE key = 'spool'), value FROM meta"
_ITEMS: Final = (
    "SELECT id, json_extract(body, '$.device'), json_extract(body, '$.kind') FROM item"
    " WHERE seq > {} ORDER BY seq"
)


class RealGateway:
    def __init__(self, folder: Path, number: int, uplink_toml: str) -> None:
        self.name = f"real-{number}"
        self.folder = folder / self.name
        self.folder.mkdir()
        self._number = number
        self._ends: list[int] = []
        self._rf, self._meter = self._line("rf"), self._line("p1")
        config = self.folder / "gateway.toml"
        config.write_text(
            f'gateway = "{self.name}"\ndata_dir = "spool"\n{uplink_toml}'
            f'[[serial]]\nname = "rf"\nport = "{self.folder}/rf"\ndriver = "ev1527"\n'
            f"[serial.config]\nrepeat_window_ms = {REPEAT_MS}\n"
            f'[[serial]]\nname = "p1"\nport = "{self.folder}/p1"\ndriver = "dsmr"\n'
            f'[serial.config]\ndevice = "{METER}"\nevery_s = 0\n'
        )
        self.program = Program(
            [sys.executable, "-m", "gateway", "--config", str(config)], folder / f"{self.name}.log"
        )
        self.pressed: dict[tuple[str, str], int] = {}
        self._presses = self._telegrams = 0

    def _line(self, name: str) -> int:
        near, far = os.openpty()
        tty.setraw(far)
        os.set_blocking(near, False)
        (self.folder / name).symlink_to(os.ttyname(far))
        self._ends += [near, far]
        return near

    @property
    def listens(self) -> bool:
        log = self.program.log
        return log.exists() and log.read_text(errors="replace").count("serial_open") >= 2

    def press(self) -> None:
        # A five among the digits could end a frame that noise began.
        turn = self._presses // PRESSES_A_BUTTON
        code = bytes.fromhex(f"{self._number:02X}{turn:03X}8".replace("5", "A"))
        if _written(self._rf, PRESS_BEGINS + code + b"\x55"):
            self._presses += 1
            button = (self.name, f"ev1527-{code.hex()[:5]}")
            self.pressed[button] = self.pressed.get(button, 0) + 1

    def read(self) -> None:
        """The meter's next telegram: a watt-hour more."""
        if _written(self._meter, telegram(self._telegrams + 1)):
            self._telegrams += 1

    def accepted(self) -> dict[str, Accepted]:
        """Everything urgent that it has committed; the rows are kept."""
        rows = rows_of(self._spool("activation"), _ITEMS.format(0))
        return {row[0]: Accepted(self.name, row[1], row[2]) for row in rows}

    @property
    def waiting(self) -> int:
        """What the hub has not acknowledged."""
        sql = "SELECT count(*) FROM item WHERE acked_at_ms IS NULL"
        counts = (rows_of(self._spool(lane), sql) for lane in LANES)
        return sum(int(rows[0][0]) for rows in counts if rows)

    def spooled(self) -> Spooled:
        sql = f"{_SPOOL} WHERE key = 'last_seq'"
        [(spool, last_seq)] = rows_of(self._spool("telemetry"), sql) or [("", 0)]
        said = frozenset(range(1, self._telegrams + 1))
        return Spooled(self.name, str(spool), int(last_seq), said)

    def _spool(self, lane: str) -> Path:
        return self.folder / "spool" / f"{lane}.db"

    def close(self) -> None:
        self.program.stop()
        for end in self._ends:
            os.close(end)
        self._ends.clear()


def _written(line: int, data: bytes) -> bool:
    try:
        return os.write(line, data) == len(data)
    except BlockingIOError:
        return False  # nobody reads: not heard, and not counted


def telegram(number: int) -> bytes:
    """With its checksum; the register stands at so many watt-hours."""
    lines = ("/ISK5\\STORM", "", f"1-0:1.8.0({number / 1000:010.3f}*kWh)")
    content = "\r\n".join(lines).encode() + b"\r\n!"
    return content + f"{crc16(content, CRC_START):04X}\r\n".encode()
