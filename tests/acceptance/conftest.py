"""Stories on the real programs run on what `--deployment` says: each of them on one machine, and
those that are marked `both_deployments` on PostgreSQL and RabbitMQ too; or all of them there."""

from functools import partial

import pytest

from tests.acceptance import rig
from tests.adapters.deployment import CLUSTER, SMALL, Cluster
from tests.adapters.rabbitmq import MISSING, installed


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    asked = metafunc.config.getoption("--deployment")
    both = any(mark.name == "both_deployments" for mark in metafunc.definition.iter_markers())
    names = [asked] if asked else [SMALL, CLUSTER] if both else [SMALL]
    metafunc.parametrize("deployment", names, indirect=True, scope="function")


@pytest.fixture(autouse=True)
def deployment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    if name == CLUSTER:
        if not installed():
            pytest.skip(MISSING)
        postgres = request.getfixturevalue("postgres")
        rabbitmq = request.getfixturevalue("rabbitmq")
        monkeypatch.setattr(rig, "made_by", partial(Cluster, postgres=postgres, rabbitmq=rabbitmq))
    return name
