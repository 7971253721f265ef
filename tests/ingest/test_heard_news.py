"""A call of the book reaches the rules of the readings lane, also after a restart."""

from alarms.heard_from import SETTLE_MS
from alarms.visit_book import VisitBook
from ledger.visits import NewVisit
from tests.ingest.test_doubtful_time import NOW_MS, Hub, hub

__all__ = ["hub"]

KIND = "no_sign_of_life"


def last_sign(hub: Hub) -> tuple[object, object]:
    hub.batch.begin()
    hub.batch.commit()
    [view] = hub.batch.engine.view("home-1", hub.now_ms, KIND)
    return view.explanation.get("last_sign"), view.explanation.get("last_sign_ms")


def test_the_rule_hears_of_a_call(hub: Hub) -> None:
    book = hub.side.book
    call = NewVisit(
        id="v-1",
        home="home-1",
        service_user="person-1",
        way="phone",
        visitor="duty-1",
        visited_at_ms=NOW_MS,
        record={"said_well": True},
    )
    visits = VisitBook(book.visiting, hub.side.register, on_change=book.visit_changed)
    hub.change(lambda unit: visits.record(unit, call, "duty-1", kind="routine"))
    assert last_sign(hub) == (None, None)
    hub.now_ms += SETTLE_MS
    hub.change(book.fire_due)
    assert last_sign(hub) == ("said_well", NOW_MS)
    # What was told and not stored before a crash is told again.
    hub.batch.reload()
    assert last_sign(hub) == ("said_well", NOW_MS)
