"""Every page that somebody may see, as who sees it: the list behind `./dev screenshots`.

A new page of the router wants a line here (`tests/screens/test_shots.py` says which is missing).
Steps only look: nothing is sent, so that pages can be taken in any order and language.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from tests.screens import steps
from tests.screens.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """`path` has names of `tests.screens.stock` in braces. `before` is there when the page is
    opened, `after` opens what is to be seen. `large`: with large letters on a telephone, and
    nowhere else."""

    name: str
    path: str
    who: str
    before: Callable[[Stage], None] | None = None
    after: Callable[[Stage], None] | None = None
    expected: tuple[int, ...] = ()
    large: bool = False

    def seen(self, theme: str, size: str) -> bool:
        """Whether there is a picture of it."""
        return not self.large or (theme, size) == ("light", "phone")

    @property
    def page(self) -> str:
        """What the router calls it: the first word of the name."""
        return self.name.split(".")[0]


NOBODY: Final = ""
# A code as an installer's telephone reads it; nobody made it.
ENROL: Final = f"/enrol#gw-0001.{'t' * 43}.{'f' * 43}"
DUTY: Final = "duty1"
VISITOR: Final = "visitor1"
MANAGER: Final = "manager1"
ADMIN: Final = "admin"
AUDITOR: Final = "auditor1"
DEPARTMENT: Final = "canlian"


def _shot(
    name: str,
    path: str,
    who: str,
    after: Callable[[Stage], None] | None = None,
    *,
    before: Callable[[Stage], None] | None = None,
    expected: tuple[int, ...] = (),
) -> Shot:
    return Shot(name=name, path=path, who=who, before=before, after=after, expected=expected)


_USUAL: Final[tuple[Shot, ...]] = (
    # Who is not signed in.
    _shot("board.login", "/", NOBODY, expected=(401,)),
    _shot("board.login-refused", "/", NOBODY, steps.sign_in_wrongly, expected=(401,)),
    _shot("board.no-hub", "/", NOBODY, before=steps.no_hub, expected=(503,)),
    _shot("reply", "/r/a-link", NOBODY, before=steps.a_reply, expected=(401,)),
    _shot("reply.over", "/r/over", NOBODY, expected=(401, 404)),
    _shot("family", "/f/{family}", NOBODY, expected=(401,)),
    _shot("family.over", "/f/over", NOBODY, expected=(401, 404)),
    _shot("enrol", ENROL, NOBODY, expected=(401,)),
    _shot("enrol.cut", "/enrol#gw-0001.cut", NOBODY, expected=(401,)),
    _shot("screen", "/screen", NOBODY, before=steps.a_screen_that_asks, expected=(401,)),
    # The desk.
    _shot("board", "/", DUTY),
    _shot("board.keys", "/", DUTY, steps.keys),
    _shot("board.nothing", "/", DUTY, before=steps.nothing_open),
    _shot("board.lost", "/", DUTY, steps.lost, before=steps.no_stream, expected=(503,)),
    _shot("board.visitor", "/", VISITOR),
    _shot("board.auditor", "/", AUDITOR),
    _shot("alarm.call", "/alarms/{sos}", DUTY),
    _shot("alarm.send", "/alarms/{sos}", DUTY, lambda s: s.press("action.assign")),
    _shot("alarm.close", "/alarms/{sos}", DUTY, lambda s: s.press("action.close")),
    _shot("alarm.family", "/alarms/{sos}", DUTY, lambda s: s.press("chain.tell_family")),
    _shot("alarm.pressure", "/alarms/{pressure}", DUTY),
    _shot("alarm.silent", "/alarms/{silent}", DUTY),
    _shot("alarm.dark", "/alarms/{dark}", DUTY),
    _shot("alarm.gateway", "/alarms/{gateway}", DUTY),
    _shot("alarm.closed", "/alarms/{closed}", DUTY),
    _shot("alarm.visitor", "/alarms/{pressure}", VISITOR),
    _shot("sheet", "/alarms/{sos}/sheet", DUTY),
    _shot("wall", "/wall", DUTY),
    _shot("map", "/map", DUTY),
    _shot("map-wall", "/map/wall", DUTY),
    _shot("tasks", "/tasks", DUTY),
    _shot("tasks.new", "/tasks", DUTY, lambda s: s.press("task.new")),
    _shot("tasks.visitor", "/tasks", VISITOR),
    _shot("card", "/tasks/{task}", VISITOR),
    _shot("card.duty", "/tasks/{task}", DUTY),
    _shot("unseen", "/unseen", DUTY),
    _shot("unseen.everybody", "/unseen?show=everybody", DUTY),
    _shot("unreachable", "/unreachable", DUTY),
    _shot("equipment", "/equipment", DUTY),
    _shot("equipment.code", "/equipment", MANAGER, steps.a_code, before=steps.certificates),
    _shot("rota", "/rota", DUTY),
    _shot("rota.month", "/rota", MANAGER, lambda s: s.press("rota.month")),
    _shot("rota.patterns", "/rota", ADMIN, lambda s: s.press("pattern.title")),
    _shot("rota.import", "/rota", ADMIN, lambda s: s.press("import.title")),
    _shot("rota.desk", "/rota", ADMIN, lambda s: s.press("desk.new")),
    _shot("handovers", "/handovers", DUTY),
    _shot("handover", "/handovers/{handover}", "duty2"),
    _shot("response", "/response", DUTY),
    _shot("undelivered", "/undelivered", DUTY),
    _shot("undelivered.admin", "/undelivered", ADMIN),
    # Homes and people.
    _shot("homes", "/homes", DUTY),
    _shot("home", "/homes/{home}", DUTY),
    _shot("home.stay", "/homes/{home}", DUTY, lambda s: s.press("stay.set")),
    _shot("persons", "/persons", MANAGER),
    _shot("persons.nobody", "/persons?q=zzzz", MANAGER),
    _shot("person", "/persons/{person}", MANAGER),
    _shot("person.edit", "/persons/{person}", MANAGER, steps.edit_all),
    _shot("person.duty", "/persons/{person}", DUTY),
    _shot("person.auditor", "/persons/{person}", AUDITOR, expected=(403,)),
    _shot("person.erase", "/persons/{person}", ADMIN, lambda s: s.press("erase.begin")),
    _shot("person.looks", "/persons/{person}", MANAGER, steps.who_looked),
    _shot("person.missing", "/persons/nobody", MANAGER, expected=(404,)),
    _shot("person-import", "/person-import", MANAGER),
    _shot("person-import.rows", "/person-import", MANAGER, steps.bring_a_list),
    _shot("erasures", "/erasures", ADMIN),
    _shot("openings", "/openings", DUTY),
    _shot("openings.manager", "/openings", MANAGER),
    # Who goes.
    _shot("plan.day", "/plan", VISITOR),
    _shot("plan.week", "/plan?view=week", VISITOR),
    _shot("plan.month", "/plan?view=month", VISITOR),
    _shot("plan", "/plan", MANAGER),
    _shot("visits", "/visits", VISITOR),
    _shot("visits.duty", "/visits", DUTY),
    _shot("visit", "/visits/{visit}", DUTY),
    _shot("visit.correct", "/visits/{visit}", VISITOR, lambda s: s.press("visit.correct")),
    _shot("record", "/visits", VISITOR, steps.begin_record),
    _shot("record.calm", "/visits", VISITOR, steps.calm_record),
    _shot("record.nobody", "/visits", VISITOR, steps.vain_record),
    _shot("record.missing", "/record/none", VISITOR),
    _shot("care", "/care", MANAGER),
    _shot("care.need", "/care", MANAGER, lambda s: s.press("care.new_need")),
    _shot("care.lines", "/care?view=lines", MANAGER),
    _shot("care.line", "/care?view=lines", MANAGER, lambda s: s.press("care.new_line")),
    _shot("care.providers", "/care?view=providers", MANAGER),
    _shot("care.money", "/care?view=money", MANAGER),
    # Who keeps the books.
    _shot("reports", "/reports", MANAGER),
    _shot("reports.quarter", "/reports?period={quarter}", ADMIN),
    _shot("reports.figure", "/reports?figure=visits.done", MANAGER),
    _shot("assessment", "/assessment?period={quarter}", MANAGER),
    _shot("assessment.region", "/assessment?by=region&period={quarter}", ADMIN),
    _shot("assessment.visitor", "/assessment?period={quarter}", VISITOR),
    _shot("regions", "/regions", ADMIN, lambda s: s.press("regions.open_all")),
    _shot("departments", "/departments", ADMIN),
    _shot("departments.order", "/departments", ADMIN, lambda s: s.press("departments.add")),
    _shot("departments.export", "/departments", ADMIN, steps.ask_for_everything),
    _shot("departments.own", "/departments", DEPARTMENT),
    _shot("users", "/users", ADMIN),
    _shot("users.new", "/users", ADMIN, lambda s: s.press("users.add")),
    _shot("audit", "/audit", AUDITOR),
    _shot("rules", "/rules", MANAGER),
    _shot("rule", "/rules/blood_pressure", MANAGER),
    _shot("rule.change", "/rules/no_sign_of_life", ADMIN, lambda s: s.press("edit.begin")),
    _shot("tries", "/tries", MANAGER),
    _shot("try", "/tries/{try}", MANAGER),
    # Oneself, and nowhere.
    _shot("me", "/me", DUTY),
    _shot("me.visitor", "/me", VISITOR),
    _shot("security", "/security", DUTY),
    _shot("security.app", "/security", DUTY, lambda s: s.press("totp.begin")),
    _shot("security.screen", "/security", MANAGER, lambda s: s.press("screens.add")),
    _shot("security.token", "/security", MANAGER, lambda s: s.press("tokens.add")),
    _shot("missing", "/nowhere", DUTY),
)

# Whoever has no desk and reads on a telephone; in the village many with letters made larger.
_BY_TELEPHONE: Final = ("enrol", "reply", "family")
SHOTS: Final[tuple[Shot, ...]] = (
    *_USUAL,
    *(
        replace(shot, name=f"{shot.name}.large", large=True)
        for shot in _USUAL
        if shot.who == VISITOR or shot.page in _BY_TELEPHONE
    ),
)
