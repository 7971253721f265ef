"""A person about whom everything was said that can be, and her erasing; for tests."""

import json
import zipfile
from pathlib import Path

from ledger.forms import id_number
from ledger.plan_words import say
from ledger.visiting.said import Said
from tests.dashboard.conftest import NOW_MS, World
from tests.dashboard.test_visit_attachments import SIGNED, picture
from tests.dashboard.test_visit_record import report

DAY_MS = 86_400_000

API = "/api/v1"

PERSON = f"{API}/service-users/person-0001"

BODY = "61092619410302002"

NUMBER = BODY + id_number.check_digit(BODY)

LATER_MS = NOW_MS + 1097 * DAY_MS

# Typed into every field that may hold words about a person; nothing else has them.
MARKS = {
    "phone": "13899990001",
    "condition": "标记病史甲",
    "medication": "标记用药乙",
    "allergy": "标记过敏丙",
    "hearing": "标记听力丁",
    "contact": "标记联系人戊",
    "contact_phone": "13899990002",
    "number": NUMBER,
    "address": "标记户籍己",
    "member": "标记家人庚",
    "support": "标记支持辛",
    "consent": "标记同意壬",
    "consent_note": "标记备注癸",
    "withdrawn": "标记撤回子",
    "record": "标记记录丑",
    "corrected": "标记更正寅",
    "reason": "标记理由卯",
    "void": "标记作废辰",
    "need": "标记需求巳",
    "agreed": "标记同意人午",
    "care": "标记照料未",
    "why": "标记原因申",
    "raised": "标记加访酉",
    "stay": "标记外出戌",
    "reveal": "标记查看亥",
    "printed": "标记打印亥",
}


async def fill(world: World) -> dict[str, str]:
    """Every mark into its field, by the routes that people use. Returns ids."""
    async with world.client("admin-1") as admin, world.client("visitor-1") as visitor:
        await _file(admin)
        ids = await _visits(visitor)
        await _care(admin)
        times = {"start": "2026-11-23T09:00:00Z", "until": "2026-11-26T00:00:00Z"}
        stay = {"kind": "away", **times, "person": "person-0001", "note": MARKS["stay"]}
        done = await admin.post(f"{API}/homes/home-0001/stays", json=stay)
        assert done.status_code < 300, done.text
    said = Said(
        kind="move",
        service_user="person-0001",
        region=None,
        from_day=20_790,
        until_day=20_790,
        to_day=20_791,
        reason=MARKS["raised"],
    )
    await world.writer.change(lambda unit: say(unit, said, "admin-1", "610926101001"))
    return ids


async def _file(admin) -> None:
    register = {
        "phone": MARKS["phone"],
        "conditions": [MARKS["condition"]],
        "medication": [MARKS["medication"]],
        "allergies": [MARKS["allergy"]],
        "hearing": MARKS["hearing"],
        "contacts": [
            {"name": MARKS["contact"], "relation": "女儿", "phone": MARKS["contact_phone"]}
        ],
    }
    file = {
        "id_number": NUMBER,
        "registered_address": MARKS["address"],
        "members": [{"name": MARKS["member"], "relation": "儿子"}],
        "support": MARKS["support"],
        "seriously_ill": "yes",
    }
    body = {"person": register, "file": file, "reason": MARKS["why"]}
    done = await admin.patch(f"{PERSON}/file", json=body, headers={"Idempotency-Key": "file-1"})
    assert done.status_code < 300, done.text
    given = {
        "purpose": "health",
        "given_by": MARKS["consent"],
        "relation": "family",
        "how": "signed",
        "note": MARKS["consent_note"],
    }
    done = await admin.post(f"{PERSON}/consents", json=given)
    assert done.status_code < 300, done.text
    consent = done.json()["items"][0]["id"]
    body = {"withdrawn_by": MARKS["withdrawn"], "reason": MARKS["withdrawn"]}
    done = await admin.post(f"{PERSON}/consents/{consent}/withdraw", json=body)
    assert done.status_code < 300, done.text
    done = await admin.post(f"{PERSON}/file/reveal", json={"reason": MARKS["reveal"]})
    assert done.json()["id_number"] == NUMBER
    asked = {"numbers": "true", "reason": MARKS["printed"]}
    assert (await admin.get(f"{PERSON}/annex3.docx", params=asked)).status_code == 200


async def _visits(visitor) -> dict[str, str]:
    record = {"mood": "worse", "services": [1], "satisfaction": "satisfied"}
    visit = await report(visitor, "visit-1", record={**record, "needs": MARKS["record"]})
    path = f"{API}/visits/{visit['id']}"
    body = {"reason": MARKS["reason"], "record": {"needs": MARKS["corrected"]}}
    done = await visitor.post(f"{path}/corrections", json=body)
    assert done.status_code < 300, done.text
    for kind, content in (("photo", picture()), ("signature_person", json.dumps(SIGNED).encode())):
        done = await visitor.post(f"{path}/attachments", params={"kind": kind}, content=content)
        assert done.status_code < 300, done.text
    attachments = done.json()["attachments"]
    other = await report(visitor, visited_at="2026-11-20T07:30:00Z")
    done = await visitor.post(f"{API}/visits/{other['id']}/void", json={"reason": MARKS["void"]})
    assert done.status_code < 300, done.text
    return {"visit": visit["id"], "photo": attachments[0]["id"], "signature": attachments[1]["id"]}


async def _care(admin) -> None:
    body = {"person": "person-0001", "service": "meals", "need": MARKS["need"]}
    made = await admin.post(f"{API}/referrals", json=body)
    assert made.status_code == 201, made.text
    withdrawn = {"reason": MARKS["agreed"]}
    done = await admin.post(f"{API}/referrals/{made.json()['id']}/withdraw", json=withdrawn)
    assert done.status_code < 300, done.text
    line = {
        "person": "person-0001",
        "service": "meals",
        "who": MARKS["care"],
        "served_at": "2026-11-23T07:00:00Z",
        "note": MARKS["care"],
    }
    done = await admin.post(f"{API}/care-lines", json=line)
    assert done.status_code < 300, done.text


def everything(folder: Path) -> bytes:
    """What a thief of the disk has, but for the keys; and the text of a copy."""
    found = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "keys" not in path.parts:
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as file:
                    found += b"".join(file.read(name) for name in file.namelist())
            else:
                found += path.read_bytes()
    return found


def found_in(content: bytes, marks) -> set[str]:
    return {
        name
        for name, mark in marks.items()
        if mark.encode() in content or mark.encode("unicode_escape") in content
    }


def later(world: World) -> None:
    """When no record has to be kept any more; whoever was signed in no longer is."""
    world.clock.at_ms = world.clock.wall_at_ms = LATER_MS
    world.tokens.clear()


async def erase(world: World, username: str = "admin-1"):
    async with world.client(username) as client:
        plan = (await client.get(f"{PERSON}/erasure")).json()
        body = {"reason": "本人要求", "confirm": plan["confirm"]}
        return await client.post(f"{PERSON}/erase", json=body)
