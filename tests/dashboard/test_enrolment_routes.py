"""Enrolment, renewal and revocation over HTTP: who may, what a code is good for, what it costs a
liar, and that nothing of a request is believed but its key."""

import dataclasses
import threading
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from contract.enrolment import parse_code
from hearthwatch.authority import certificates
from tests.adapters.enrolment import LocalAuthority, Pi, local_enrolment
from tests.dashboard.conftest import World, problem_of

ON_BOTH = True
DAY_MS = 86_400_000


class Hub:
    """The world's hub with an authority; its real time is `at_ms`."""

    def __init__(self, world: World, folder) -> None:
        self.world = world
        self.at_ms = world.deps.wall_ms()
        self.authority = LocalAuthority(lambda: self.at_ms)
        enrolment = local_enrolment(folder, self.authority, world.deps.engine, world.register)
        self.let_go: list[str] = []
        enrolment.revoked = self.let_go.append  # type: ignore[method-assign]
        world.app.state.deps = dataclasses.replace(
            world.deps, enrolment=enrolment, wall_ms=lambda: self.at_ms
        )

    async def code(self, gateway: str = "gw-0001") -> str:
        async with self.world.client("installer-1") as client:
            answer = await client.post(f"/api/v1/gateways/{gateway}/code")
        assert answer.status_code == 201, answer.text
        assert answer.json()["svg"].startswith("<svg")
        return parse_code(answer.json()["code"]).token

    async def post(self, path: str, body: dict) -> "object":
        async with self.world.anonymous() as client:
            return await client.post(f"/api/v1/enrolment{path}", json=body)

    async def enrol(self, pi: Pi, token: str):
        return await self.post("", {"token": token, "request": pi.request})

    async def renew(self, held: Pi, fresh: Pi, serial: str, signed_by: Pi | None = None):
        proof = (signed_by or held).proof(serial, fresh.request)
        body = {"serial": serial, "request": fresh.request, "signature": proof}
        return await self.post("/renewal", body)

    async def enrolled(self, pi: Pi) -> dict:
        answer = await self.enrol(pi, await self.code())
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
def hub(world: World, tmp_path) -> Hub:
    return Hub(world, tmp_path)


async def test_the_request_is_believed_in_nothing_but_its_key(hub: Hub) -> None:
    pi = Pi(says="hub")
    given = await hub.enrolled(pi)
    names = []
    for text in (given["certificate"], given["telemetry_certificate"]):
        got = x509.load_pem_x509_certificate(text.encode())
        got.verify_directly_issued_by(hub.authority.x509)
        names.append(got.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        assert got.public_key() == pi.key.public_key()
        usage = got.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        assert not got.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        with pytest.raises(x509.ExtensionNotFound):
            got.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        life = got.not_valid_after_utc - got.not_valid_before_utc
        assert 90 <= life.days <= 91
    assert names == ["gw-0001", "gw-0001/telemetry"]
    assert (given["broker_host"], given["url"]) == ("hub.example", "https://hub.example")
    assert (given["protocol"], given["keep_session"]) == ("5", True)


async def test_no_press_waits_for_an_authority_that_hangs(hub: Hub) -> None:
    """It is asked from threads only: never on the loop that takes presses."""
    asked = []
    certificate = hub.authority.certificate

    def noted() -> str:
        asked.append(threading.current_thread() is threading.main_thread())
        return certificate()

    hub.authority.certificate = noted  # type: ignore[method-assign]
    pi, fresh = Pi(), Pi()
    given = await hub.enrolled(pi)
    hub.at_ms += 61 * DAY_MS
    assert (await hub.renew(pi, fresh, given["serial"])).status_code == 200
    assert len(asked) >= 2
    assert not any(asked)


async def test_the_code_pins_the_authority(hub: Hub, world: World) -> None:
    async with world.client("installer-1") as client:
        made = (await client.post("/api/v1/gateways/gw-0001/code")).json()
    async with world.anonymous() as client:
        shown = (await client.get("/api/v1/enrolment/authority")).json()
    certificate = x509.load_pem_x509_certificate(shown["authority"].encode())
    assert parse_code(made["code"]).fingerprint == certificates.fingerprint(certificate)
    stored = await world.query("SELECT digest FROM gateway_code")
    assert parse_code(made["code"]).token not in str(stored)


async def test_a_code_is_good_once_and_for_one_key(hub: Hub) -> None:
    token, pi = await hub.code(), Pi()
    first = await hub.enrol(pi, token)
    assert first.status_code == 201
    # The answer was lost on the way: the same key asks again, and the certificate that nobody
    # ever got is revoked.
    again = await hub.enrol(pi, token)
    assert again.status_code == 201
    other = await hub.enrol(Pi(), token)
    assert problem_of(other)["type"] == "code_used"
    assert "make a new one" in problem_of(other)["detail"]
    rows = await hub.world.query(
        "SELECT serial FROM gateway_certificate WHERE revoked_at_ms IS NULL"
    )
    assert rows == [(again.json()["serial"],)]


async def test_a_code_ends_after_a_day_and_by_a_newer_one(hub: Hub) -> None:
    old = await hub.code()
    new = await hub.code()
    assert problem_of(await hub.enrol(Pi(), old))["type"] == "code_expired"
    hub.at_ms += DAY_MS
    late = problem_of(await hub.enrol(Pi(), new))
    assert (late["type"], late["status"]) == ("code_expired", 410)
    assert problem_of(await hub.enrol(Pi(), "x" * 43))["type"] == "unknown_code"
    assert hub.authority.signed == 0, "nothing is signed for a code that is none"


async def test_guesses_are_slowed_and_activations_are_not(hub: Hub, gateway_key: str) -> None:
    answers = [await hub.enrol(Pi(), f"{number:043d}") for number in range(25)]
    assert [answer.status_code for answer in answers[:20]] == [403] * 20
    assert {answer.status_code for answer in answers[20:]} == {429}
    assert int(answers[-1].headers["retry-after"]) > 0
    async with hub.world.anonymous() as client:
        headers = {"Authorization": f"Bearer {gateway_key}"}
        answer = await client.post("/api/v1/activations", content=b"{}", headers=headers)
    assert answer.status_code != 429


async def test_another_machine_takes_the_place(hub: Hub) -> None:
    old, new = Pi(), Pi()
    first = await hub.enrolled(old)
    second = await hub.enrolled(new)
    assert first["key"] != second["key"]
    async with hub.world.anonymous() as client:
        headers = {"Authorization": f"Bearer {first['key']}"}
        answer = await client.post("/api/v1/activations", content=b"{}", headers=headers)
    assert answer.status_code == 401, "the old machine's second path is closed too"
    refused = await hub.renew(old, Pi(), first["serial"])
    assert problem_of(refused)["type"] == "revoked"
    assert hub.let_go == ["gw-0001", "gw-0001"]


async def test_renewal_by_the_old_key(hub: Hub) -> None:
    held, fresh = Pi(), Pi()
    given = await hub.enrolled(held)
    early = await hub.renew(held, fresh, given["serial"])
    assert problem_of(early)["type"] == "too_early"
    hub.at_ms += 60 * DAY_MS
    forged = await hub.renew(held, fresh, given["serial"], signed_by=fresh)
    assert problem_of(forged)["type"] == "bad_signature"
    renewed = await hub.renew(held, fresh, given["serial"])
    assert renewed.status_code == 200, renewed.text
    assert renewed.json()["serial"] != given["serial"]
    # Its answer was lost: the same again, and not another certificate.
    again = await hub.renew(held, fresh, given["serial"])
    assert again.json()["serial"] == renewed.json()["serial"]
    # Both hold until the old one ends by itself, and the second path's key was left alone.
    rows = await hub.world.query("SELECT 1 FROM gateway_certificate WHERE revoked_at_ms IS NULL")
    assert len(rows) == 2
    assert len(await hub.world.query("SELECT 1 FROM gateway_key WHERE gateway = 'gw-0001'")) == 1


async def test_an_expired_certificate_may_be_renewed_for_a_year(hub: Hub) -> None:
    held = Pi()
    given = await hub.enrolled(held)
    hub.at_ms += (90 + 364) * DAY_MS
    assert (await hub.renew(held, Pi(), given["serial"])).status_code == 200
    hub.at_ms += 3 * DAY_MS
    assert problem_of(await hub.renew(held, Pi(), given["serial"]))["type"] == "too_old"
    assert problem_of(await hub.renew(held, Pi(), "abc123"))["type"] == "revoked"


async def test_revocation_ends_everything(hub: Hub, world: World) -> None:
    held = Pi()
    given = await hub.enrolled(held)
    waiting = await hub.code()
    body = {"reason": "stolen from the village office"}
    async with world.client("manager-1") as client:
        assert (await client.post("/api/v1/gateways/gw-0001/revoke", json={})).status_code == 422
        answer = await client.post("/api/v1/gateways/gw-0001/revoke", json=body)
        shown = await client.get("/api/v1/gateways/gw-0001/certificates")
    assert answer.status_code == 200
    assert answer.json() == shown.json()
    (one,) = shown.json()["items"]
    assert (one["revoked_by"], one["revoked_why"]) == ("manager-1", body["reason"])
    assert shown.json()["code_until"] is None
    assert problem_of(await hub.enrol(Pi(), waiting))["type"] == "code_expired"
    hub.at_ms += 60 * DAY_MS
    assert problem_of(await hub.renew(held, Pi(), given["serial"]))["type"] == "revoked"
    assert await world.query("SELECT 1 FROM gateway_key WHERE gateway = 'gw-0001'") == []
    facts = await world.query("SELECT fact, actor FROM entry WHERE topic = 'gateway' ORDER BY seq")
    assert facts == [("enrolled", "gateway:gw-0001"), ("revoked", "manager-1")]
    assert ("manager-1", "revoked", "gateway:gw-0001") in await world.audited()


@pytest.mark.parametrize("user", ["duty-1", "auditor-1", "visitor-1"])
async def test_only_who_may_change_gateways_makes_codes(hub: Hub, world: World, user: str) -> None:
    async with world.client(user) as client:
        assert (await client.post("/api/v1/gateways/gw-0001/code")).status_code == 403
        body = {"reason": "because I can"}
        answer = await client.post("/api/v1/gateways/gw-0001/revoke", json=body)
        assert answer.status_code == 403


async def test_another_regions_gateway_is_not_there(hub: Hub, world: World) -> None:
    async with world.client("installer-1") as client:
        for method, path in (("POST", "code"), ("POST", "revoke"), ("GET", "certificates")):
            body = {"reason": "not mine"} if path == "revoke" else None
            answer = await client.request(method, f"/api/v1/gateways/gw-0002/{path}", json=body)
            assert answer.status_code == 404


@pytest.mark.parametrize("request_", ["", "no request", "-----BEGIN CERTIFICATE REQUEST-----\n"])
async def test_what_is_no_request_is_refused(hub: Hub, request_: str) -> None:
    answer = await hub.post("", {"token": await hub.code(), "request": request_})
    assert answer.status_code == 422


async def test_an_authority_that_is_away_burns_no_code(hub: Hub) -> None:
    token = await hub.code()
    hub.authority.away = True
    assert problem_of(await hub.enrol(Pi(), token))["type"] == "authority_away"
    hub.authority.away = False
    assert (await hub.enrol(Pi(), token)).status_code == 201


async def test_a_hub_with_passwords_says_so(world: World) -> None:
    async with world.anonymous() as client:
        answer = await client.post("/api/v1/enrolment", json={"token": "x" * 43, "request": "r"})
        assert problem_of(answer)["type"] == "no_enrolment"
    async with world.client("installer-1") as client:
        shown = await client.get("/api/v1/gateways/gw-0001/certificates")
        assert shown.json() == {"enrolment": False, "code_until": None, "items": []}
        answer = await client.post("/api/v1/gateways/gw-0001/code")
        assert problem_of(answer)["type"] == "no_enrolment"


async def test_the_summary_says_when_that_ends_on_which_all_gateways_depend(hub) -> None:
    """To those who see gateways, and never one's answer to another."""

    ends = SimpleNamespace(
        ends_ms={"broker": hub.at_ms + 30 * DAY_MS}, refused="certificate has expired"
    )

    async def said(who: str) -> object:
        async with hub.world.client(who) as client:
            return (await client.get("/api/v1/summary")).json()["certificates"]

    assert await said("duty-1") is None
    hub.world.app.state.deps.enrolment.ends = ends
    found = await said("admin-1")
    assert found["broker_until"].startswith("20")
    assert found["authority_until"] is None
    assert found["refused"] == "certificate has expired"
    assert await said("visitor-1") is None
