"""The ways of a step: what was proved, else the telephone of the register."""

from alarms.contact_book import ContactBook
from alarms.contact_points import mark_dead
from tests.adapters.telling_bench import Office

PHONE = "+8613800000001"


def ways(office: Office, book: ContactBook, who: str, phone: str = "138 0000 0001") -> list:
    def ask(unit):
        book.reload(unit.cursor)
        return book.points_of(who, phone)

    return [(p.channel, p.address, p.verified) for p in office.bench.change(ask)]


def test_what_was_proved_comes_in_its_order_and_what_died_no_more(tmp_path) -> None:
    office = Office(tmp_path)
    book = ContactBook(["wecom_bot", "aliyun_sms", "aliyun_voice", "smtp"])
    assert ways(office, book, "duty-1") == [
        ("aliyun_sms", PHONE, False),
        ("aliyun_voice", PHONE, False),
    ]
    assert ways(office, book, "contact:person-1/1", "none") == []
    office.point("duty-1", "smtp", "a@b.example", verified=False)
    assert len(ways(office, book, "duty-1")) == 2
    office.point("duty-1", "wecom_bot", "duty")
    sms = office.point("duty-1", "aliyun_sms", PHONE)
    assert ways(office, book, "duty-1") == [
        ("wecom_bot", "duty", True),
        ("aliyun_sms", PHONE, True),
    ]
    office.bench.change(lambda unit: mark_dead(unit, "point-2", "gone"))
    office.bench.change(lambda unit: mark_dead(unit, sms, "nobody"))
    assert ways(office, book, "duty-1") == [("aliyun_voice", PHONE, False)]
    assert ways(office, ContactBook([]), "duty-1") == []
    office.hub.close()


def test_a_way_that_carries_nothing_urgent_is_not_the_only_one(tmp_path) -> None:
    office = Office(tmp_path)
    book = ContactBook(["apprise", "aliyun_sms"], {"aliyun_sms"})
    office.point("duty-1", "apprise", "office")
    assert ways(office, book, "duty-1") == [
        ("apprise", "office", True),
        ("aliyun_sms", PHONE, False),
    ]
    assert ways(office, book, "duty-1", "none") == [("apprise", "office", True)]
    points = office.bench.change(lambda _unit: book.points_of("duty-1", "13800000001"))
    assert [point.urgent for point in points] == [False, True]
    office.hub.close()


def test_before_the_book_is_open_there_is_nobody() -> None:
    assert ContactBook(["aliyun_sms"]).points_of("duty-1", PHONE) == ()
