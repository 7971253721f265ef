"""Short messages: our encoder against the simulated modem's own decoder, and any bytes at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sims.devices.gsm_modem import decoded, report
from gateway.drivers.gsm_sms.alphabet import pack
from gateway.drivers.gsm_sms.pdu import PDU_BYTES_MAX, BadPdu, explain, submits

GSM = (
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà"
    "^{}\\[~]|€\n\r"
)
PLAIN = st.text(alphabet=GSM, max_size=400)
ANY = st.text(
    alphabet=st.characters(codec="utf-16", exclude_categories=["Cs"]), min_size=1, max_size=200
)


@given(st.one_of(PLAIN, ANY), st.from_regex(r"\A\+?[0-9]{3,20}\Z"), st.integers(0, 255))
def test_what_is_written_is_read(text: str, number: str, reference: int) -> None:
    parts = submits(number, text, reference=reference)
    read = [decoded(bytes.fromhex(part.hex)) for part in parts]
    assert "".join(message.text for message in read) == text
    assert {message.number for message in read} == {number}
    if len(parts) > 1:
        assert [(m.reference, m.part, m.parts) for m in read] == [
            (reference, n, len(parts)) for n in range(1, len(parts) + 1)
        ]
    for part in parts:
        raw = bytes.fromhex(part.hex)
        assert part.tpdu_bytes == len(raw) - 1
        fields = explain(raw)
        assert fields["tpdu_len"] == part.tpdu_bytes
        assert fields["number"] == number
        assert "udl_too_long" not in fields
    assert "".join(explain(bytes.fromhex(part.hex))["text"] for part in parts) == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("汉" * 70, 1),
        ("汉" * 71, 2),
        ("汉" * 134, 2),
        ("汉" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("", 1),
    ],
)
def test_where_a_text_is_cut(text: str, parts: int) -> None:
    made = submits("+8613800138000", text)
    assert len(made) == parts
    assert all(len(bytes.fromhex(part.hex)) <= 1 + 12 + 4 + 140 for part in made)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_refused(raw: bytes) -> None:
    try:
        fields = explain(raw)
    except BadPdu:
        return
    assert len(raw) <= PDU_BYTES_MAX
    assert fields["type"].startswith("SMS-")
    assert len(str(fields)) < 5000


@pytest.mark.parametrize("number", ["", "+", "12", "a" * 5, "+86 138", "1" * 21, "138;ATD", "٣٣٣٣"])
def test_no_number(number: str) -> None:
    with pytest.raises(ValueError, match="telephone"):
        submits(number, "x")


def test_a_report_is_read() -> None:
    pdu = report("+8613800138000", 7, 0).decode().split()[-1]
    fields = explain(bytes.fromhex(pdu))
    assert fields["type"] == "SMS-STATUS-REPORT"
    assert (fields["number"], fields["reference"], fields["status"]) == ("+8613800138000", 7, 0)
    assert fields["time"] == fields["done"] == "2026-11-24T03:12:00+08:00"


def deliver(*, number: str = "0B913108108300F0", dcs: str = "00", time: str, data: str) -> bytes:
    return bytes.fromhex(f"0004{number}00{dcs}{time}{data}")


@pytest.mark.parametrize(
    ("octets", "time"),
    [
        ("62114230215123", "2026-11-24T03:12:15+08:00"),
        ("6211423021510A", "2026-11-24T03:12:15-05:00"),
        ("62114230215100", "2026-11-24T03:12:15+00:00"),
        ("99309221959532", "2099-03-29T12:59:59+05:45"),
        ("00000000000000", None),
        ("62209230215123", None),  # the 29th of February 2026
        ("62C04230215123", None),  # a month of no digits
        ("FF114230215123", None),
        ("62114230215177", None),  # a zone of 19 hours
    ],
)
def test_the_time_of_a_message(octets: str, time: str | None) -> None:
    assert explain(deliver(time=octets, data="0131"))["time"] == time


def test_an_escape_behind_an_escape_is_a_space() -> None:
    data = f"04{pack([0x61, 0x1B, 0x1B, 0x62]).hex()}"
    assert explain(deliver(time="62114230215123", data=data))["text"] == "a b"


def test_compressed_text_is_no_text() -> None:
    fields = explain(deliver(dcs="20", time="62114230215123", data="03C8309A"))
    assert "text" not in fields
    assert fields["data"] == "c8309a"


def test_the_filling_of_a_number_is_no_digit() -> None:
    wrong = "03912143"  # three digits, four stand there
    fields = explain(deliver(number=wrong, time="62114230215123", data="0131"))
    assert fields["number"] == "+123"
