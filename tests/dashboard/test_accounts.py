"""Accounts: who may make whom, and which passwords will do."""

import pytest

from dashboard.passwords import LENGTH_MIN, Passwords, WeakPassword, check_password
from hearthwatch.admin import random_password
from tests.dashboard.conftest import HASHER, PASSWORD, World, problem_of

NEW = {
    "username": "duty-9",
    "name": "李值班",
    "role": "duty",
    "password": "long enough secret",
    "region": "610926101",
}


async def test_a_new_account_signs_in(world: World) -> None:
    async with world.client("admin-1") as admin, world.anonymous() as client:
        made = await admin.post("/api/v1/users", json=NEW)
        assert made.status_code == 201, made.text
        assert "password" not in made.text
        body = {"username": "duty-9", "password": NEW["password"]}
        assert (await client.post("/api/v1/login", json=body)).status_code == 200
        again = await admin.post("/api/v1/users", json=NEW)
        assert (again.status_code, problem_of(again)["type"]) == (409, "taken")
    [[stored]] = await world.query("SELECT password FROM account WHERE username = 'duty-9'")
    assert stored.startswith("$argon2id$")
    assert ("admin-1", "created", "account:duty-9") in await world.audited()
    assert world.register.index.accounts["duty-9"]["name"] == "李值班"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "my duty-9 secret"}, "password"),
        ({"role": "god"}, "role"),
        ({"region": "999"}, "region"),
        ({"username": "system"}, "username"),
        ({"phone": "1" * 33}, "phone"),
    ],
)
async def test_what_is_refused(world: World, changes: dict[str, str], field: str) -> None:
    async with world.client("admin-1") as admin:
        answer = await admin.post("/api/v1/users", json={**NEW, **changes})
    assert (answer.status_code, problem_of(answer)["field"]) == (422, field)


async def test_an_administrator_of_a_town_stays_in_the_town(world: World) -> None:
    await world.execute(
        "UPDATE account SET role = 'admin', region = '610926101' WHERE username = 'manager-1'"
    )
    async with world.client("manager-1") as admin:
        names = [u["username"] for u in (await admin.get("/api/v1/users")).json()["items"]]
        assert "duty-1" in names
        assert not {"admin-1", "duty-2"} & set(names)
        for region in ("", "610926", "610926102"):
            answer = await admin.post("/api/v1/users", json={**NEW, "region": region})
            assert (answer.status_code, problem_of(answer)["field"]) == (422, "region")
        assert (await admin.patch("/api/v1/users/admin-1", json={"name": "x"})).status_code == 404
        widened = await admin.patch("/api/v1/users/duty-1", json={"region": ""})
        assert widened.status_code == 422


async def test_nobody_locks_the_last_door(world: World) -> None:
    async with world.client("admin-1") as admin:
        for changes in ({"role": "duty"}, {"disabled": True}, {"region": "610926101"}):
            answer = await admin.patch("/api/v1/users/admin-1", json=changes)
            assert (answer.status_code, problem_of(answer)["type"]) == (409, "own_account")
        assert (await admin.post("/api/v1/users", json={**NEW, "role": "admin"})).status_code == 201
        await world.execute(
            "UPDATE account SET role = 'admin', region = '' WHERE username='duty-1'"
        )
    async with world.client("duty-1") as other:
        demoted = await other.patch("/api/v1/users/admin-1", json={"role": "duty"})
        assert demoted.status_code == 200, demoted.text
        await world.execute("UPDATE account SET role = 'admin' WHERE username = 'admin-1'")
        await world.execute("UPDATE account SET region = '610926' WHERE username = 'duty-1'")
    async with world.client("duty-1") as other:
        answer = await other.patch("/api/v1/users/admin-1", json={"disabled": True})
        assert answer.status_code == 404


async def test_weak_hashes_are_renewed_at_login(world: World) -> None:
    from argon2 import PasswordHasher

    strong = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    object.__setattr__(world.deps, "passwords", strong)
    sql = "SELECT password FROM account WHERE username = 'duty-1'"
    before = await world.query(sql)
    await world.token("duty-1")
    [[after]] = await world.query(sql)
    assert (after,) != before[0]
    assert strong.verify(after, PASSWORD)
    assert not strong.outdated(after)


# Stolen lists, the keyboard, repeats, dates, numbers, and what is known of her.
ABOUT = ("张桂英", "13800000001", "平利县", "龙头村")


@pytest.mark.parametrize(
    "password",
    [
        *("password1234", "Password!2024", "P@ssw0rd12345", "passwordpassword", "1qaz2wsx3edc4r"),
        *("qwertyuiop12", "123456789012", "1qaz@WSX3edc", "abcdeabcdeabcde", "woaini1314520"),
        *("zhangguiying1941", "guiyingzhang!", "zgy19410302zgy", "shouwang2026!"),
        *(
            "13800000001ab",
            "zhang13800000001",
            "110101194103021234",
            "pingli610926",
            "longtoucun2026",
        ),
        *("admin1234567", "hearthwatch2026", "minzhengju888"),
    ],
)
def test_passwords_that_are_soon_guessed(password: str) -> None:
    with pytest.raises(WeakPassword, match="guessed"):
        check_password(password, "duty-1", ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "kfpq-2746-tzue-9358",
        "jKs82_ndfGs91aZ",
        "龙头村的桥下有三条鱼在叫",
        "zebra lamp moon 4",
        "x" * 4 + "riverbed quilt 91 oboe" + "x" * 100,
    ],
)
def test_passwords_that_will_do(password: str) -> None:
    assert check_password(password, "duty-1", ABOUT) == password


def test_random_ones_will_do() -> None:
    for _ in range(20):
        check_password(random_password(), "duty-1", ABOUT)


async def test_what_is_known_of_the_account_counts(world: World) -> None:
    body = {**NEW, "name": "欧阳桂英", "phone": "13712345678"}
    async with world.client("admin-1") as admin:
        for password in ("ouyangguiying", "pinglixian2026", "chengguanzhen88"):
            answer = await admin.post("/api/v1/users", json={**body, "password": password})
            assert problem_of(answer)["type"] == "weak_password", password
        assert (await admin.post("/api/v1/users", json=body)).status_code == 201
        answer = await admin.patch("/api/v1/users/duty-9", json={"password": "ouyangguiying"})
        assert problem_of(answer)["type"] == "weak_password"


@pytest.mark.parametrize(
    "password", ["a" * (LENGTH_MIN - 1), "a" * 200, "aaaabbbbcccc", "xxDUTY-1xxyyzz"]
)
def test_passwords_that_will_not_do(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_password(password, "duty-1")


def test_a_broken_hash_is_a_wrong_password() -> None:
    passwords = Passwords(HASHER)
    assert not passwords.verify("not a hash", PASSWORD)
    assert not passwords.verify(None, "nobody has this password")
    assert passwords.verify(passwords.hash(PASSWORD), PASSWORD)


async def test_no_account_is_put_into_a_closed_region(world: World) -> None:
    new = {"code": "610926101005", "name": "空村", "level": "village", "parent": "610926101"}
    async with world.client("admin-1") as admin:
        await admin.post("/api/v1/regions", json=new)
        why = {"reason": "撤村并村"}
        await admin.post(f"/api/v1/regions/{new['code']}/close", json=why)
        answer = await admin.post("/api/v1/users", json={**NEW, "region": new["code"]})
    assert (answer.status_code, problem_of(answer)["type"]) == (422, "closed_region")


async def test_when_somebody_last_came_and_what_power_changed_is_told(world: World) -> None:
    await world.token("duty-1")
    async with world.client("admin-1") as admin:
        everybody = {u["username"]: u for u in (await admin.get("/api/v1/users")).json()["items"]}
        assert everybody["duty-1"]["last_sign_in_at"] is not None
        assert everybody["duty-1"]["sessions"] == 1
        assert everybody["duty-2"]["last_sign_in_at"] is None
        changes = {"role": "visitor", "name": "改名", "disabled": True}
        await admin.patch("/api/v1/users/duty-1", json=changes)
        after = {u["username"]: u for u in (await admin.get("/api/v1/users")).json()["items"]}
        assert after["duty-1"]["sessions"] == 0
    told = await world.query("SELECT detail FROM audit WHERE object = 'account:duty-1'")
    assert told[-1] == ("disabled no → yes, name, role duty → visitor",)
