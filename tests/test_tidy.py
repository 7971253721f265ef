"""Style as a test: sizes, names, docstrings, registries, and what may not be in a commit."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import grimp
import pytest

from alarms.registry import NOTIFIERS
from device_sims.registry import SIMULATED
from docs.tables import pages
from gateway.registry import DRIVERS
from hearthwatch.__main__ import COMMANDS
from rules.registry import RULE_KINDS

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "alarms",
    "contract",
    "dashboard",
    "device_sims",
    "gateway",
    "hearthwatch",
    "ingest",
    "ledger",
    "rules",
)
LINES_MAX = 400
FUNCTION_LINES_MAX = 70
BANNED_NAMES = {"utils", "helpers", "common", "manager", "misc", "base"}
# Modules that no other module imports, each with its reason.
UNIMPORTED = {
    "device_sims.devices.gsm_modem": "a gateway's second path in tests; no home has a modem",
    "hearthwatch.amqtt_broker": "a program, started as a child",
    **{module: "a command" for module, _help in COMMANDS.values()},
}


# What documents name and only an installation or a build makes.
MADE = (
    "build",
    "dashboard/static",
    "dashboard/web/dist",
    "deploy/config/homes.toml",
    "deploy/secrets",
)


def tracked(*patterns: str) -> list[Path]:
    """Files of the project that are there, whether committed yet or not."""
    done = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
            *patterns,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = sorted({ROOT / name for name in done.stdout.split("\0") if name})
    return [path for path in paths if path.is_file()]


def modules() -> list[Path]:
    return [
        p
        for room in ROOMS
        for p in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in p.parts and "node_modules" not in p.parts
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_module(path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no module docstring"
    assert path.stem not in BANNED_NAMES
    assert len(text.splitlines()) <= LINES_MAX
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{node.name} has {length} lines"
    for word in ("TO" + "DO", "FIX" + "ME", "XX" + "X"):
        assert word not in text


def test_no_test_bench_or_page_is_longer() -> None:
    written = tracked("tests/*.py", "bench/*.py", "dashboard/web/*.svelte", "dashboard/web/*.ts")
    lines = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in written}
    assert len(lines) > 1000
    assert {name: count for name, count in lines.items() if count > LINES_MAX} == {}


def test_rooms_on_disk_are_the_packages_and_the_linted_ones() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    on_disk = {p.parent.name for p in ROOT.glob("*/__init__.py")} - {"bench"}
    assert on_disk == set(ROOMS)
    assert set(config["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(ROOMS)
    assert set(config["importlinter"]["root_packages"]) == set(ROOMS)
    assert set(config["mypy"]["packages"]) == {*ROOMS, "bench"}


def plugins(folder: str) -> set[str]:
    found = {p.stem for p in (ROOT / folder).glob("*.py")}
    return (found | {p.parent.name for p in (ROOT / folder).glob("*/__init__.py")}) - {"__init__"}


def test_every_plugin_is_registered() -> None:
    assert plugins("gateway/drivers") == {name.replace("-", "_") for name in DRIVERS}
    assert plugins("rules/kinds") == set(RULE_KINDS)
    assert plugins("alarms/notifiers") == set(NOTIFIERS)
    assert len(SIMULATED) >= 1


def test_every_module_is_used() -> None:
    graph = grimp.build_graph(*ROOMS, cache_dir=None)
    alone = {
        name
        for name in graph.modules
        if not graph.find_modules_that_directly_import(name)
        and not graph.find_children(name)
        and not name.endswith(".__main__")
        and ".migrations." not in name
    }
    assert alone - set(UNIMPORTED) == set()


def test_every_driver_has_vectors() -> None:
    """A driver without a published example that it must read is only as right as its author."""
    vectors = {p.stem for p in (ROOT / "tests" / "vectors").glob("*.json")}
    shared = {"cms50": "medical_serial", "dsmr": "dsmr_p1", "ev1527": "rf433"}
    shared.update(dict.fromkeys(("tasmota", "shelly", "esphome"), "tasmota_shelly_esphome"))
    names = {shared.get(name, name.replace("-", "_")) for name in DRIVERS}
    assert names <= vectors


@pytest.mark.parametrize("path", tracked("*.md"), ids=lambda p: str(p.relative_to(ROOT)))
def test_documents_name_what_exists(path) -> None:
    """Links, and paths in backquotes that begin with a folder of the project."""
    text = path.read_text()
    folders = {p.name for p in ROOT.iterdir() if p.is_dir()}
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in link:
            assert (path.parent / link).exists(), link
    for name in re.findall(r"`([\w.-]+/[\w./-]+)`", text):
        if name.split("/")[0] in folders and not name.startswith(MADE):
            assert (ROOT / name).exists() or (path.parent / name).exists(), name


def headings(page: Path) -> set[str]:
    """As anchors, by the rule by which forges make them."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    bare = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line) for line in lines)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in bare}


@pytest.mark.parametrize("path", tracked("*.md"), ids=lambda p: str(p.relative_to(ROOT)))
def test_links_to_headings_arrive(path) -> None:
    for page, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", path.read_text()):
        if "://" not in page and (page.endswith(".md") or not page):
            assert anchor in headings(path.parent / page if page else path), f"{page}#{anchor}"


def test_readme_lists_what_the_registries_have() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text()
        for entry in RULE_KINDS:
            assert f"`{entry}`" in text, f"{entry} is not in {name}"


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: page[0].name)
def test_what_the_registries_write_is_not_stale(page) -> None:
    path, text, wanted = page
    assert text == wanted, f"{path.name} is stale: ./dev docs"


def test_nothing_of_this_machine_or_its_registries_is_committed() -> None:
    hosts = [
        ".".join(parts)
        for parts in (
            ("registry", "npmjs", "org"),
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("deb", "debian", "org"),
        )
    ]
    paths = ["/".join(("", "work", "main")), "/".join(("", "root", ".pyenv"))]
    for path in tracked():
        if path.suffix in (".png", ".db"):
            continue
        text = path.read_text(errors="replace")
        for word in (*hosts, *paths):
            assert word not in text, f"{word} in {path.relative_to(ROOT)}"


def test_locks_have_hashes() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        pins = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)
