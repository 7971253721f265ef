"""What stands on the pages of `./dev screenshots`: names found over the hub's interface, and the
few things that the demonstration does not do by itself, done as people would.
"""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.5
# A try of other limits on four weeks of 24 homes.
TRY_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Somebody who is signed in."""

    base: str
    token: str

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: object) -> Any:
        return self.call("POST", path, body)

    def call(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - of a hub that we started
            f"{self.base}/api/v1/{path}",
            method=method,
            data=data,
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": str(uuid.uuid4()),
                **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()}") from error


def sign_in(base: str, username: str, password: str) -> Desk:
    asked = {"username": username, "password": password}
    return Desk(base=base, token=Desk(base=base, token="").post("login", asked)["token"])


def wait(what: str, found: Callable[[], Any], within_s: float) -> Any:
    """The first true answer."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        answer = found()
        if answer:
            return answer
        time.sleep(POLL_S)  # noqa: TID251 - another process is waited for
    raise RuntimeError(f"never came: {what}")


# Names of the shots' paths, and the kind of alarm behind each.
KINDS: Final = {
    "sos": "sos",
    "pressure": "blood_pressure",
    "silent": "no_sign_of_life",
    "dark": "village_dark",
    "gateway": "gateway_silent",
}


def alarms(duty: Desk) -> dict[str, Any]:
    """The newest one of each kind, by the name that the shots have for it: open ones first; in a
    demonstration that was kept some have ended."""
    found: dict[str, Any] = {}
    told = duty.get("alarms?limit=200")["items"]
    for alarm in sorted(told, key=lambda one: one["state"] == "closed"):
        for name, kind in KINDS.items():
            if alarm["kind"] == kind:
                found.setdefault(name, alarm)
    return found


def prepare(base: str, passwords: dict[str, str], story_s: float) -> dict[str, str]:
    """Waits until the story is told, plays what people do, and returns the names."""
    duty = sign_in(base, "duty1", passwords["duty1"])
    visitor = sign_in(base, "visitor1", passwords["visitor1"])
    manager = sign_in(base, "manager1", passwords["manager1"])
    admin = sign_in(base, "admin", passwords["admin"])
    seen: dict[str, Any] = {}

    def told() -> bool:
        # Earlier ones of a kind may have ended; pages are looked at where all stands still.
        if duty.get("clock")["speed"] > 1:
            return False
        seen.update(alarms(duty))
        return set(seen) == set(KINDS)

    try:
        wait("an alarm of each kind", told, story_s)
    except RuntimeError as error:
        missing = sorted(set(KINDS) - set(seen))
        raise RuntimeError(f"the story did not raise {', '.join(missing)}") from error
    found = {name: alarm["id"] for name, alarm in seen.items()}
    task = _sent(duty, visitor, seen["pressure"]["id"])
    home = seen["sos"]["home"]["id"]
    person = duty.get(f"service-users?home={home}")["items"][0]["id"]
    made = manager.get(f"visits?home={home}&limit=1")["items"]
    month = duty.get("clock")["now"][:7]
    return {
        **found,
        "task": task,
        "home": home,
        "person": person,
        "visit": made[0]["id"],
        "closed": _closed(duty),
        "family": _family(manager, person),
        "handover": _handover(duty),
        "try": _try(admin, manager),
        "quarter": _quarter_before(month),
    }


def _sent(duty: Desk, visitor: Desk, alarm: str) -> str:
    """Somebody is on the way there."""
    task: str = duty.get(f"alarms/{alarm}")["task"]
    if duty.get(f"alarms/{alarm}")["state"] == "open":
        duty.post(f"alarms/{alarm}/acknowledge", {})
        duty.post(f"alarms/{alarm}/assign", {"assignee": "visitor1"})
        visitor.post(f"tasks/{task}/accept", {})
        visitor.post(f"tasks/{task}/depart", {})
    return task


def _closed(duty: Desk) -> str:
    """One that is over; of a device, so that every person's stays."""
    old = duty.get("alarms?state=closed&limit=1")["items"]
    if old:
        return str(old[0]["id"])
    open_now = duty.get("alarms?state=open&severity=technical&limit=50")["items"]
    alarm: str = open_now[-1]["id"]
    duty.post(f"alarms/{alarm}/acknowledge", {})
    duty.post(f"alarms/{alarm}/close", {"outcome": "device_fault", "note": "已更换（演示）"})
    return alarm


def _family(manager: Desk, person: str) -> str:
    consents = manager.get(f"service-users/{person}/consents")
    [state] = [one["state"] for one in consents["purposes"] if one["purpose"] == "family_view"]
    if state != "given":
        given = {"purpose": "family_view", "given_by": "本人", "relation": "self", "how": "signed"}
        manager.post(f"service-users/{person}/consents", given)
    link = manager.post(f"service-users/{person}/family-links", {"relation": "女儿", "days": 30})
    return str(link["made"]["address"]).rsplit("/", 1)[-1]


def _handover(duty: Desk) -> str:
    sheets = duty.get("handovers")["items"]
    if not sheets:
        desks = duty.get("rota/duty")["desks"]
        return str(duty.post("handovers", {"desk": desks[0]["desk"]["id"]})["id"])
    return str(sheets[0]["id"])


def _try(admin: Desk, manager: Desk) -> str:
    """Of the manager's own: one sees only those."""
    change = {"rule": "no_sign_of_life", "params": {}}
    rule = admin.get("rules/no_sign_of_life")
    number = next(one for one in rule["parameters"] if one["type"] in ("int", "float"))
    change["params"] = {number["name"]: rule["params"][number["name"]]}
    name: str = manager.post("rules/tries", {"changes": [change]})["id"]

    def ended() -> bool:
        found = manager.get(f"rules/tries/{name}")
        if found["state"] == "failed":
            raise RuntimeError(f"the try failed: {found['detail']}")
        return bool(found["state"] == "done")

    wait("the try", ended, TRY_S)
    return name


def _quarter_before(month: str) -> str:
    year, number = int(month[:4]), (int(month[5:7]) - 1) // 3
    return f"{year}-Q{number}" if number else f"{year - 1}-Q4"
