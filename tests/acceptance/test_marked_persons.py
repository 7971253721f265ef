"""Marked persons live through everything on the real programs, and then everything that was written
or sent is searched: their names, telephones, numbers and stories stand nowhere in the clear."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alarms import contact_points
from contract.moment import EPOCH
from dashboard.accounts import create_user
from dashboard.passwords import Passwords
from hearthwatch.__main__ import main
from hearthwatch.clock import wall_ms
from hearthwatch.embedded_broker import find_mosquitto
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.sealed_book import opened
from ledger.documents.sheets import local
from ledger.unit_of_work import UnitOfWork
from tests.acceptance.rig import Rig, wait_until
from tests.adapters.mail_server import MailServer, mail_server
from tests.adapters.marked import MARKS, found_below, found_in, seen
from tests.adapters.sealed import changed
from tests.dashboard.test_person_imports import workbook
from tests.dashboard.test_visit_attachments import SIGNED, from_a_telephone

pytestmark = [
    pytest.mark.both_deployments,
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
]
API = "/api/v1"
# Of three programs on two processors with everything else in the run.
START_S = 240
STEP_S = 180
PASSWORD = "correct horse battery"
HOME, PERSON, DEVICE = "home-1", "person-1", "ev1527-00001"
ROLES = {"admin-1": "admin", "manager-1": "manager", "duty-1": "duty", "visitor-1": "visitor"}
ROLES |= {"auditor-1": "auditor", "department-1": "department"}
# Every step at once, by every way of everybody.
POLICIES = """
[[policy]]
name = "all"
severities = ["urgent", "watch", "technical"]
repeat_s = 1800
taken_s = 1800
holder_first_s = 600
arrive_s = 1800
[[policy.step]]
after_s = 0
targets = ["responsible", "duty", "contacts"]
points = "all"
"""
BOTS = ("wecom_bot", "dingtalk", "feishu")
PHONES = ("aliyun_sms", "aliyun_voice", "tencent_sms", "tencent_voice")
# As each provider says that it has taken it.
TAKEN = {
    **{"errcode": 0, "code": 0, "Code": "OK", "BizId": "1", "CallId": "1"},
    "Response": {
        "RequestId": "r",
        "SendStatusSet": [{"Code": "Ok", "SerialNo": "1", "Message": "ok"}],
        "SendStatus": {"CallId": "1", "SessionContext": ""},
    },
}


@dataclass
class Providers:
    """All of them behind one port; what came is kept."""

    port: int = 0
    came: list[tuple[str, bytes]] = field(default_factory=list)


@contextmanager
def providers() -> Iterator[Providers]:
    kept = Providers()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept.came.append((self.path, body))
            answer = json.dumps(TAKEN).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_words: object) -> None:
            """Nothing on the test's screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()


def configured(rig: Rig, api: int, mail: int) -> None:
    folder = rig.folder
    (folder / "secret").write_text("a-secret-of-a-provider-0123456789")
    (folder / "policies.toml").write_text(POLICIES)
    (folder / "hook").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    url = f"http://127.0.0.1:{api}"
    text = [(folder / "hub.toml").read_text(), '[escalation]\npolicies = "policies.toml"\n']
    text.append(f'[notify]\npublic_url = "{url}"\n')
    for name in BOTS:
        path = {"wecom_bot": "?key=1", "dingtalk": "?access_token=1", "feishu": "/hook/1"}[name]
        (folder / name).write_text(f"{url}/{name}{path}")
        secret = "" if name == "wecom_bot" else 'secret_file = "secret"\n'
        text.append(f'[channel.{name}.bots.duty]\nurl_file = "{name}"\n{secret}')
    mapped = 'params = {"n" = "number", "p" = "place", "w" = "who"}\n'
    listed = 'params = ["number", "place", "who"]\n'
    for name in PHONES:
        ali = name.startswith("aliyun")
        key = 'access_key_id = "i"\naccess_key_secret_file = "secret"\n'
        key = key if ali else 'secret_id = "i"\nsecret_key_file = "secret"\napp_id = "1"\n'
        sign = 'sign_name = "s"\n' if name.endswith("sms") else ""
        code = 'code_params = {"c" = "code"}\n' if ali else 'code_params = ["code"]\n'
        text.append(
            f'[channel.{name}]\napi = "{url}/{name}"\ntemplate = "1"\ncode_template = "2"\n'
            f"{key}{sign}{mapped if ali else listed}{code}"
        )
    text.append(f'[channel.smtp]\nhost = "127.0.0.1"\nport = {mail}\nsecurity = "none"\n')
    text.append('sender = "hub@county.example"\n')
    text.append(f'[[webhook]]\nurl = "{url}/webhook"\nsecret_file = "hook"\nprivate = true\n')
    (folder / "hub.toml").write_text("\n".join(text))


def staffed(config: HubConfig) -> None:
    """Accounts, and the ways by which the desk is reached."""
    opened(config).close()
    stored = Passwords().hash(PASSWORD)
    ways = [(name, "duty") for name in BOTS] + [(name, "+8613711112222") for name in PHONES]

    def add(unit: UnitOfWork) -> None:
        unit.execute("INSERT INTO region (code, name, level) VALUES ('61', '县', 'county')")
        for code, name, level, parent in (
            ("6101", "镇", "town", "61"),
            ("610101", "龙头村", "village", "6101"),
        ):
            sql = "INSERT INTO region (code, name, level, parent) VALUES (?, ?, ?, ?)"
            unit.execute(sql, (code, name, level, parent))
        sql = "INSERT INTO gateway (id, region, name, online, status) VALUES ('gw-1', ?, '', ?, ?)"
        unit.execute(sql, ("610101", False, "{}"))
        for username, role in ROLES.items():
            create_user(
                unit,
                username=username,
                name=username,
                role=role,
                region="61" if role == "department" else "",
                phone="",
                password_hash=stored,
                actor="system",
            )
        for number, (channel, address) in enumerate([*ways, ("smtp", "duty@county.example")]):
            new = {"id": f"p{number}", "owner": "duty-1", "channel": channel, "label": ""}
            point = contact_points.NewPoint(**new, address=address, language="zh-CN")
            contact_points.add(unit, point, actor="system")
        unit.execute("UPDATE contact_point SET verified_at_ms = 1")

    changed(config.book, add, now_ms=1)


class Story:
    """What people do over HTTP; `answers` are those that went wrong."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.problems: list[bytes] = []
        self.clients = {name: self._signed_in(name) for name in ROLES}

    def _signed_in(self, name: str) -> httpx2.Client:
        client = httpx2.Client(base_url=f"http://127.0.0.1:{self.rig.http_port}", timeout=60)
        answer = client.post(f"{API}/login", json={"username": name, "password": PASSWORD})
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return client

    def end(self) -> None:
        for client in self.clients.values():
            client.close()

    def ask(self, who: str, method: str, path: str, **more: Any) -> Any:
        answer = self.clients[who].request(method, f"{API}/{path}", **more)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        kind = answer.headers.get("content-type", "")
        return answer.json() if kind.startswith("application/json") else answer.content

    def goes_wrong(self, who: str, method: str, path: str, **more: Any) -> int:
        answer = self.clients[who].request(method, f"{API}/{path}", **more)
        assert answer.status_code >= 400, (method, path, answer.status_code)
        # What somebody asked for by its path is not told again.
        self.problems.append(answer.content + repr(sorted(answer.headers.items())).encode())
        return int(answer.status_code)


def enrolled(story: Story) -> None:
    ask = story.ask
    way = {"access_note": MARKS["way in"], "dog": MARKS["dog"]}
    ask("manager-1", "POST", "homes", json={"id": HOME, "region": "610101", "address": "x", **way})
    ask("manager-1", "PATCH", f"homes/{HOME}", json={"address": MARKS["address"]})
    contact = {"name": MARKS["contact"], "relation": "女儿", "phone": MARKS["contact's telephone"]}
    person = {
        **{"id": PERSON, "home": HOME, "name": MARKS["name"], "phone": MARKS["telephone"]},
        **{"conditions": [MARKS["illness"]], "medication": [MARKS["medication"]]},
        **{"contacts": [contact], "visitor": "visitor-1"},
    }
    headers = {"Idempotency-Key": "enrol-1"}
    ask("manager-1", "POST", "service-users", json=person, headers=headers)
    said = {
        "id_number": MARKS["identity number"],
        "registered_address": MARKS["registered address"],
    }
    ask("manager-1", "PATCH", f"service-users/{PERSON}/file", json={"file": said, "reason": ""})
    device = {"gateway": "gw-1", "device": DEVICE, "kind": "sos", "label": MARKS["label"]}
    ask("manager-1", "POST", "devices", json=device)
    ask("manager-1", "PATCH", f"devices/gw-1/{DEVICE}", json={"home": HOME})
    for purpose in ("photo", "referral", "family_view"):
        consent = {"purpose": purpose, "given_by": MARKS["name"], "relation": "self"}
        consent |= {"how": "spoken", "note": MARKS["consent"]}
        ask("manager-1", "POST", f"service-users/{PERSON}/consents", json=consent)
    ask("manager-1", "PUT", f"service-users/{PERSON}/photo", content=from_a_telephone())
    rows = [(MARKS["second name"], "龙头村", "一组", f"一组 {MARKS['address']}", "独居")]
    book = workbook(rows, ("姓名", "村（社区）", "组", "住址", "备注"))
    begun = ask("manager-1", "POST", "person-imports", params={"file": "f.xlsx"}, content=book)
    path = f"person-imports/{begun['id']}"
    wait_until(lambda: ask("manager-1", "GET", path)["state"] == "ready", STEP_S, "it is read")
    ask("manager-1", "POST", f"{path}/confirm", json={})
    wait_until(lambda: ask("manager-1", "GET", path)["state"] == "done", STEP_S, "written")
    found = ask("duty-1", "GET", "service-users", params={"q": MARKS["pinyin"]})
    assert [one["id"] for one in found["items"]] == [PERSON]
    found = ask("duty-1", "GET", "service-users", params={"q": MARKS["address"][2:6]})
    assert len(found["items"]) == 2
    found = ask("duty-1", "GET", "homes", params={"q": MARKS["second name"][1:]})
    assert len(found["items"]) == 1


def lived(story: Story) -> None:
    """A press, and everything that follows."""
    ask = story.ask
    story.rig.press(1)
    wait_until(lambda: bool(ask("duty-1", "GET", "alarms")["items"]), STEP_S, "the alarm")
    [alarm] = ask("duty-1", "GET", "alarms")["items"]
    assert alarm["home"]["address"] == MARKS["address"]
    ask("duty-1", "POST", f"alarms/{alarm['id']}/acknowledge", json={})
    ask("duty-1", "POST", f"alarms/{alarm['id']}/assign", json={"assignee": "visitor-1"})
    [task] = [t for t in ask("visitor-1", "GET", "tasks")["items"] if t["alarm"] == alarm["id"]]
    for move in ("accept", "depart", "arrive"):
        ask("visitor-1", "POST", f"tasks/{task['id']}/{move}", json={})
    now = EPOCH + timedelta(milliseconds=wall_ms())
    visit = ask(
        "visitor-1",
        "POST",
        "visits",
        json={
            **{"home": HOME, "service_user": PERSON, "way": "home_visit", "task": task["id"]},
            **{"visited_at": now.isoformat(), "record": {"needs": MARKS["record of a visit"]}},
        },
    )
    files = f"visits/{visit['id']}/attachments"
    ask("visitor-1", "POST", files, params={"kind": "photo"}, content=from_a_telephone())
    signed = json.dumps(SIGNED).encode()
    ask("visitor-1", "POST", files, params={"kind": "signature_person"}, content=signed)
    finding = {"finding": MARKS["finding"]}
    ask("visitor-1", "POST", f"tasks/{task['id']}/complete", json=finding)
    closing = {"outcome": "real_emergency", "note": MARKS["note of an alarm"]}
    ask("duty-1", "POST", f"alarms/{alarm['id']}/close", json=closing)
    need = {"person": PERSON, "service": "meals", "need": MARKS["referral"]}
    ask("visitor-1", "POST", "referrals", json=need)
    care = {"person": PERSON, "service": "meals", "served_at": now.isoformat(), "who": "李敏"}
    ask("visitor-1", "POST", "care-lines", json={**care, "note": MARKS["care"]})
    until = (now + timedelta(days=2)).isoformat()
    stay = {"kind": "away", "until": until, "person": PERSON, "note": MARKS["stay"]}
    ask("manager-1", "POST", f"homes/{HOME}/stays", json=stay)
    today = local(wall_ms()).date().isoformat()
    left = {"left_on": today, "left_why": "moved", "left_note": MARKS["gap"]}
    ask("manager-1", "PATCH", f"service-users/{PERSON}", json=left)


def looked_at(story: Story) -> None:
    """Reveals, prints, exports, files for a department, and everybody's lists."""
    ask = story.ask
    file = f"service-users/{PERSON}/file"
    revealed = ask("duty-1", "POST", f"{file}/reveal", json={"reason": MARKS["reason"]})
    assert revealed["id_number"] == MARKS["identity number"]
    for path in (file, f"service-users/{PERSON}/history", f"homes/{HOME}", "tasks", "devices"):
        ask("duty-1", "GET", path)
    for subject in ("persons", "visits", "alarms", "tasks", "care", "referrals", "stays"):
        out = ask("manager-1", "GET", f"exports/{subject}.csv")
        assert subject == "devices" or out
    made = ask("manager-1", "GET", "exports/persons.csv")
    assert seen(["name", "telephone", "address"], made) == ["name", "telephone", "address"]
    ask("duty-1", "GET", f"service-users/{PERSON}/annex3.pdf")
    order = {
        **{"name": "民政局", "account": "department-1", "region": "61", "every": "day"},
        **{"tables": {"persons": ["name", "phone", "address"]}, "reason": MARKS["order"]},
        "plain": ["persons.name", "persons.phone", "persons.address"],
    }
    given = ask("admin-1", "POST", "export-orders", json=order)
    ask("admin-1", "POST", f"export-orders/{given['id']}/run", json={"reason": MARKS["order"]})
    ask("manager-1", "POST", f"service-users/{PERSON}/family-links", json={"relation": "女儿"})
    for path in ("service-users", "alarms", "tasks", "visits", "homes", "devices"):
        shown = story.clients["auditor-1"].get(f"{API}/{path}").content
        assert found_in(f"auditor: {path}", shown) == []


def mistaken(story: Story) -> None:
    """Whatever is refused does not say again what it was about."""
    wrong, name = story.goes_wrong, MARKS["name"]
    wrong("duty-1", "GET", f"service-users/{name}")
    wrong("duty-1", "GET", f"homes/{MARKS['address']}")
    wrong("duty-1", "GET", f"{name}/{MARKS['telephone']}")
    wrong("duty-1", "GET", "service-users", params={"after": name})
    wrong("manager-1", "POST", "service-users", json={"home": HOME, "name": [name]})
    wrong("manager-1", "POST", "service-users", json={"home": name, "name": name, name: 1})
    wrong("manager-1", "POST", "service-users", content=f'{{"name": "{name}", '.encode())
    taken = {"file": {"id_number": MARKS["identity number"] + "1"}, "reason": ""}
    wrong("manager-1", "PATCH", f"service-users/{PERSON}/file", json=taken)
    again = {"home": HOME, "id": PERSON, "name": name, "phone": MARKS["telephone"]}
    wrong("manager-1", "POST", "service-users", json=again)
    wrong("auditor-1", "GET", f"service-users/{PERSON}/history")
    person = f"service-users/{PERSON}/photo"
    wrong("manager-1", "PUT", person, content=name.encode())
    wrong("duty-1", "POST", f"exports/{name}.csv")
    login = {"username": name, "password": MARKS["telephone"]}
    wrong("duty-1", "POST", "login", json=login)


def copied(rig: Rig) -> Path:
    """A copy as the operator makes it beside the running hub."""
    copies = rig.folder / "copies"
    copies.mkdir()
    file = copies / "copy.zip"
    assert main(["backup", "--config", str(rig.folder / "hub.toml"), str(file)]) == 0
    return file


def test_marked_persons_are_found_nowhere_in_the_clear(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    with providers() as api, mail_server(MailServer()) as mails:
        try:
            configured(rig, api.port, mails.port)
            staffed(load(tmp_path / "hub.toml"))
            rig.start()
            wait_until(rig.ready, START_S, "the hub answers")
            wait_until(rig.listening, START_S, "the gateway listens")
            story = Story(rig)
            enrolled(story)
            lived(story)
            looked_at(story)
            mistaken(story)

            def all_told() -> bool:
                asked = {path.split("/")[1].split("?")[0] for path, _body in list(api.came)}
                return bool(mails.mails) and {*BOTS, *PHONES, "webhook"} <= asked

            wait_until(all_told, STEP_S, "every channel is asked")
            metrics = story.clients["admin-1"].get("/metrics").content
            copied(rig)
            story.end()
            # Everything that the programs have written, on disk: the hub still runs.
            where = [rig.folder, *rig.runs_on.stored()]
        finally:
            rig.close()
    sent = [found_in(path, body) for path, body in api.came]
    sent += [found_in("mail", mail) for _from, _to, mail in mails.mails]
    # A message to her daughter's telephone has its number, and nothing else of anybody.
    number = "contact's telephone"
    assert [one for found in sent for one in found if number not in one] == []
    assert found_in("metrics", metrics) == []
    assert [found_in("problem", one) for one in story.problems if found_in("problem", one)] == []
    # The search finds what is there: a file with all of it beside the rest.
    plant = where[0] / "planted"
    plant.write_text("\n".join(MARKS.values()))
    planted = found_below([where[0]])
    assert {one.split(": ")[1].rsplit(" (", 1)[0] for one in planted} == set(MARKS)
    plant.unlink()
    assert found_below(where) == []
