"""With broker and network gone a press leaves by the modem, and is one event when they are back."""

from pathlib import Path

import pytest

from tests.acceptance.rig import Rig, wait_until
from tests.adapters.modem_line import ModemOnALine

NUMBER = "+8613800138000"


@pytest.fixture
def modem(tmp_path: Path):
    modem = ModemOnALine(tmp_path / "modem")
    yield modem
    modem.close()


def test_a_press_leaves_by_the_modem_and_arrives_once(tmp_path: Path, modem: ModemOnALine) -> None:
    rig = Rig(tmp_path)
    try:
        config = tmp_path / "gateway.toml"
        config.write_text(
            config.read_text()
            # Nobody answers on port 9: the other road of the second path is closed as well.
            + '[second_path]\nurl = "http://127.0.0.1:9"\nkey_file = "key"\nafter_s = 1.0\n'
            + f'[second_path.sms]\nport = "{tmp_path}/modem"\nnumbers = ["{NUMBER}"]\n'
            + '[second_path.sms.labels]\n"ev1527-00001" = "张家床头按钮"\n'
        )
        (tmp_path / "key").write_text("nobody's")
        rig.start()
        wait_until(rig.ready, 60, "the hub answers")
        wait_until(rig.listening, 60, "the gateway listens")
        rig.programs["broker"].kill()
        rig.press(1)
        wait_until(lambda: len(modem.sent) == 1, 60, "the message")
        [message] = modem.sent
        assert message.number == NUMBER
        assert "紧急呼叫" in message.text
        assert "张家床头按钮" in message.text
        # A gateway that is killed now repeats no message and loses no press.
        log = rig.programs["gateway"].log
        wait_until(lambda: "sms_sent" in log.read_text(), 60, "the sending is told")
        rig.programs["gateway"].kill()
        rig.programs["gateway"].start()
        opened = log.read_text().count("modem_open") + 1
        wait_until(lambda: log.read_text().count("modem_open") >= opened, 60, "the modem again")
        rig.press(2)
        wait_until(lambda: len(modem.sent) >= 2, 60, "the other button's message")
        assert [m.text.count("张家") for m in modem.sent] == [1, 0]
        rig.programs["broker"].start()
        wait_until(lambda: len(rig.events()) >= 2, 60, "the presses in the book")
        wait_until(lambda: rig.unacknowledged() == 0, 60, "nothing waits at the gateway")
        assert {event[0] for event in rig.events()} == set(rig.accepted())
        assert [count for _id, count, _state, _task in rig.alarms()] == [1, 1]
        assert len(modem.sent) == 2
    finally:
        rig.close()
