"""Who may do what: one table. Routes declare a permission, the web page asks for its list.

Roles are what people do, areas how far their region reaches: a town's manager is a manager with a
town. Some permissions hold only from an area on (`AREA_PERMISSIONS`), and some roles know only the
people they are responsible for (`ASSIGNED_ROLES`). Region is the other half: an account sees what
lies in its region (`dashboard.callers`). What each route is about: `dashboard.access_table`.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, get_args

Permission = Literal[
    "address.read",  # street addresses and how to get in; masked without
    "alarm.acknowledge",
    "alarm.assign",
    "alarm.close",
    "alarm.hand_over",  # keep longer, hand over
    "alarm.merge",
    "alarm.read",
    "alarm.reopen",
    "alarm.respond",  # decline, or give up what one has
    "alarm.review",  # why a call was answered late
    "assessment.answer",  # to what was said of one's own region or work
    "assessment.criteria",  # what a county assesses by
    "assessment.read",
    "assessment.write",  # marks, feedback, results that stand
    "audit.read",
    "care.read",  # referrals, providers, the log of services, money
    "care.write",  # referrals and log lines
    "contact.open",  # telephones and the way in where they are masked, with a reason, on record
    "contact.read",  # the same at once; masked without, but while an alarm or task is open there
    "data.export",  # tables of people and cases, health data: what leaves the hub as files
    "device.read",
    "device.write",
    "exchange.read",  # what changed, for another platform
    "export.fetch",  # files that were made for one's own department
    "export.order",  # what departments get, and how often
    "exchange.write",  # persons that another platform brings
    "gateway.read",
    "gateway.write",
    "handover.read",
    "handover.sign",
    "home.read",
    "home.write",
    "money.write",
    "notification.read",  # what was sent, to whom and how it went; not what was said
    "notification.resend",
    "person.erase",  # for good; of accounts of the whole county only
    "person.print",  # the notice's forms and whole files, on paper
    "person.read",  # names, telephones, health notes, contacts; masked without
    "person.reveal",  # identity numbers, each time on record; masked for everybody otherwise
    "person.write",
    "plan.move",  # another day for a visit of one's own, with why
    "plan.move_any",  # for somebody else's visits
    "plan.read",
    "plan.weather",  # say that nobody goes to a region on a day
    "provider.write",
    "quarantine.read",
    "reading.read",
    "report.read",
    "record.open",  # of another region, while the elder's alarm is open; on record, reviewed
    "record.review",  # whether that was right
    "rota.read",
    "rota.swap",  # ask and answer swaps, set leaves of one's own
    "rota.write",
    "rule.read",
    "rule.try",  # run other rules over what was stored; who may also reads rules and reports
    "rule.write",  # limits of a home or person; who signs them off
    "rule.write_wide",  # what holds for everybody; only without a narrower region
    "screen.write",  # let screens on walls in, and end them
    "stay.write",
    "stay.write_any",  # in homes that somebody else is responsible for
    "stream.read",
    "summary.read",
    "task.assign",  # make tasks, give them to somebody else, see who could go
    "task.move",
    "task.move_any",  # tasks that somebody else has
    "task.read",
    "tier.raise",  # visit somebody more often for a time
    "user.read",
    "user.write",
    "visit.amend_any",  # correct, void and decide about visits that somebody else made
    "visit.read",
    "visit.write",
]
Role = Literal[
    "admin",
    "manager",
    "duty",
    "visitor",
    "installer",
    "clinician",
    "auditor",
    "exchange",
    "department",
]
# How far a region reaches, from the narrowest on; "whole" leaves nothing of the book out.
Area = Literal["village", "town", "county", "whole"]

PERMISSIONS: Final[frozenset[str]] = frozenset(get_args(Permission))
ROLES: Final[tuple[str, ...]] = get_args(Role)
AREAS: Final[tuple[Area, ...]] = get_args(Area)

# From which area on a permission holds, whatever the role. The others hold everywhere.
AREA_PERMISSIONS: Final[Mapping[str, Area]] = MappingProxyType(
    {
        "assessment.write": "town",  # nobody assesses the village that is their own
        "audit.read": "whole",  # its rows name accounts and objects of every region
        "data.export": "town",  # what leaves the hub as files
        "money.write": "town",
        "person.erase": "county",  # what can't be taken back is for who answers for all of it
    }
)

# Who sits in an office above several towns rings nobody up: they open telephones with a reason.
OFFICE_ROLES: Final = frozenset({"admin", "manager"})
NEAR_ONLY: Final = "contact.read"

# Who knows whole records of the people they are responsible for or are sent to, not of a region.
ASSIGNED_ROLES: Final = frozenset({"visitor"})
# What they lose where they know nobody: that something is the matter in the region they still hear.
OF_KNOWN_PEOPLE: Final = frozenset({"address.read", "person.read", "reading.read"})

_DUTY: Final[frozenset[str]] = frozenset(
    {
        "address.read",
        "alarm.acknowledge",
        "alarm.assign",
        "alarm.close",
        "alarm.hand_over",
        "alarm.merge",
        "alarm.read",
        "alarm.reopen",
        "alarm.respond",
        "alarm.review",
        "assessment.read",
        "care.read",
        "care.write",
        "contact.open",
        "contact.read",
        "device.read",
        "gateway.read",
        "handover.read",
        "handover.sign",
        "home.read",
        "notification.read",
        "person.print",
        "person.read",
        "person.reveal",
        "plan.move",
        "plan.move_any",
        "plan.read",
        "plan.weather",
        "quarantine.read",
        "reading.read",
        "record.open",
        "report.read",
        "rota.read",
        "rota.swap",
        "rule.read",
        "stay.write",
        "stay.write_any",
        "stream.read",
        "summary.read",
        "task.assign",
        "task.move",
        "task.move_any",
        "task.read",
        "visit.read",
        "visit.write",
    }
)

ROLE_PERMISSIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "admin": PERMISSIONS,
        "manager": _DUTY
        | {
            "assessment.answer",
            "assessment.write",
            "audit.read",
            "data.export",
            "device.write",
            "gateway.write",
            "home.write",
            "money.write",
            "notification.resend",
            "person.erase",
            "person.write",
            "provider.write",
            "quarantine.read",
            "record.review",
            "rota.write",
            "rule.try",
            "rule.write",
            "rule.write_wide",
            "screen.write",
            "tier.raise",
            "user.read",
            "visit.amend_any",
        },
        "duty": _DUTY,
        "visitor": frozenset(
            {
                "address.read",
                "alarm.read",
                "alarm.respond",
                "assessment.answer",
                "assessment.read",
                "care.read",
                "care.write",
                "contact.read",
                "device.read",
                "home.read",
                "person.print",
                "person.read",
                "plan.move",
                "plan.read",
                "reading.read",
                "record.open",
                "rota.read",
                "rota.swap",
                "rule.read",
                "stay.write",
                "stream.read",
                "summary.read",
                "task.move",
                "task.read",
                "visit.read",
                "visit.write",
            }
        ),
        "installer": frozenset(
            {
                "address.read",
                "contact.read",
                "device.read",
                "device.write",
                "gateway.read",
                "gateway.write",
                "home.read",
                "quarantine.read",
                "rota.read",
                "rule.read",
                "stream.read",
                "summary.read",
            }
        ),
        # A doctor or nurse: what was measured, and by which limits it is judged.
        "clinician": frozenset(
            {
                "address.read",
                "contact.open",
                "device.read",
                "home.read",
                "person.read",
                "reading.read",
                "rule.read",
                "rule.write",
                "stream.read",
                "visit.read",
            }
        ),
        # A program, not a human: another platform.
        "exchange": frozenset({"exchange.read", "exchange.write"}),
        # Another office: nothing but the files that were made for it.
        "department": frozenset({"export.fetch"}),
        "auditor": frozenset(
            {
                "alarm.read",
                "assessment.read",
                "audit.read",
                "care.read",
                "device.read",
                "gateway.read",
                "handover.read",
                "home.read",
                "notification.read",
                "plan.read",
                "record.review",
                "report.read",
                "rota.read",
                "rule.read",
                "stream.read",
                "summary.read",
                "task.read",
                "user.read",
                "visit.read",
            }
        ),
    }
)

# What one must be allowed to read to hear a topic of the live feed. Its events carry people's
# names as they are, so the topics about people need `person.read` and `address.read` as well.
TOPIC_PERMISSIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "alarm": frozenset({"alarm.read", "person.read", "address.read"}),
        "task": frozenset({"task.read", "person.read", "address.read"}),
        "visit": frozenset({"visit.read", "person.read", "address.read"}),
        "stay": frozenset({"home.read", "person.read", "address.read"}),
        "assessment": frozenset({"assessment.read"}),
        "care": frozenset({"care.read", "person.read"}),
        "referral": frozenset({"care.read", "person.read"}),
        "money": frozenset({"care.read"}),
        "provider": frozenset({"care.read"}),
        # Old and new values of the person's file.
        "person": frozenset({"person.read", "address.read"}),
        "device": frozenset({"device.read"}),
        "gateway": frozenset({"gateway.read"}),
        # Of whom visits are moved or made more frequent, and why, is about a person.
        "plan": frozenset({"plan.read", "person.read", "address.read"}),
        "rota": frozenset({"rota.read"}),
        "handover": frozenset({"handover.read"}),
        # A person's own limits say something about the person.
        "rule": frozenset({"rule.read", "person.read"}),
    }
)


# Roles by areas, and what is left of them for programs and for who knows whom.
_KNOWN_MAX: Final = 64


@lru_cache(maxsize=_KNOWN_MAX)
def permissions_of(role: str, area: Area = "whole") -> frozenset[str]:
    """What a role may do in an area; an unknown role may do nothing."""
    granted = ROLE_PERMISSIONS.get(role, frozenset())
    reach = AREAS.index(area)
    return granted - {
        name for name, least in AREA_PERMISSIONS.items() if AREAS.index(least) > reach
    }


def may(role: str, permission: str) -> bool:
    return permission in permissions_of(role)


@lru_cache(maxsize=_KNOWN_MAX)
def topics_of(permissions: frozenset[str]) -> frozenset[str]:
    """The topics of the live feed for somebody with these permissions."""
    return frozenset(t for t, needed in TOPIC_PERMISSIONS.items() if needed <= permissions)
