"""The rules of semgrep_rules.yaml on Python's own syntax tree: what `./dev test` runs of them.

semgrep wants 330 MB and an environment of its own. Its patterns here are few kinds: a call with
some of its arguments, an assignment, a comparison, a text that is put together. A pattern of
another kind is refused, so that no rule is held by nothing; the rules' own examples show that both
see the same.
"""

import ast
import fnmatch
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tests.supply.semgrep import SUFFIXES

_META: Final = "META_"
_TEXT: Final = "ANY_TEXT"
_PUT_TOGETHER: Final = "TEXT_WITH_VALUES"


class Looked:
    """A file, parsed when a rule first wants it."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.is_python = path.endswith(SUFFIXES["python"]) or path == "dev"

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def names(self) -> dict[str, str]:
        return imported(self.tree)


class Rule:
    def __init__(self, rule: Mapping[str, Any]) -> None:
        self.id, self.message = str(rule["id"]), str(rule["message"])
        places = rule.get("paths", {})
        self._exclude = places.get("exclude", ())
        self._include = places.get("include", ())
        self._regex = rule.get("pattern-regex")
        self._wanted, self._unwanted = patterns_of(rule) if self._regex is None else ([], [])
        self._words = [words_of(one) for one in self._wanted]

    def findings(self, file: Looked) -> list[int]:
        """Lines that break it, `nosemgrep` beside them or not."""
        if any(fnmatch.fnmatch(file.path, one) for one in self._exclude):
            return []
        if self._regex is not None:
            name = Path(file.path).name
            if not any(fnmatch.fnmatch(name, one) for one in self._include):
                return []
            lines = enumerate(file.text.splitlines(), 1)
            return [number for number, line in lines if re.search(self._regex, line)]
        if not file.is_python:
            return []
        # Most files have not even the words.
        wanted = [
            one
            for one, words in zip(self._wanted, self._words, strict=True)
            if all(word in file.text for word in words)
        ]
        return [] if not wanted else self._walked(wanted, file)

    def _walked(self, wanted: Sequence[ast.AST], file: Looked) -> list[int]:
        names = file.names
        return [
            getattr(node, "lineno", 0)
            for node in ast.walk(file.tree)
            if any(matches(one, node, names) for one in wanted)
            and not any(matches(one, node, names) for one in self._unwanted)
        ]


def words_of(pattern: ast.AST) -> set[str]:
    """What a text that it matches must have in it, under whatever name it was imported."""
    found: set[str] = set()
    for node in ast.walk(pattern):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.keyword(arg=str(word)):
                found.add(word)
    return {word for word in found if not word.startswith((_META, _TEXT, _PUT_TOGETHER))}


def patterns_of(rule: Mapping[str, Any]) -> tuple[list[ast.AST], list[ast.AST]]:
    wanted: list[ast.AST] = []
    unwanted: list[ast.AST] = []
    for part in rule.get("patterns", [rule]):
        if "pattern" in part:
            wanted.append(compiled(part["pattern"]))
        elif "pattern-either" in part:
            wanted += [compiled(one["pattern"]) for one in part["pattern-either"]]
        elif "pattern-not" in part:
            unwanted.append(compiled(part["pattern-not"]))
        else:
            raise ValueError(f"{rule['id']}: a kind of pattern that is not known here")
    return wanted, unwanted


def compiled(pattern: str) -> ast.AST:
    """As a tree, in which every call may have more arguments."""
    text = pattern.replace('f"...{$VALUE}..."', _PUT_TOGETHER).replace('"..."', _TEXT)
    text = re.sub(r"\$([A-Z_]+)", rf"{_META}\1", text)
    text = text.replace("(..., ", "(").replace(", ...)", ")").replace("(...)", "()")
    [statement] = ast.parse(text).body
    found = statement.value if isinstance(statement, ast.Expr) else statement
    if not isinstance(found, ast.Call | ast.Compare | ast.Assign):
        raise ValueError(f"{pattern!r}: a kind of pattern that is not known here")
    return found


def imported(tree: ast.AST) -> dict[str, str]:
    """What a name of this file stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return names


def dotted(node: ast.AST, names: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, names)
        return None if before is None else f"{before}.{node.attr}"
    return None


def matches(pattern: ast.AST, node: ast.AST, names: Mapping[str, str]) -> bool:
    if isinstance(pattern, ast.Name) and pattern.id.startswith(_META):
        return isinstance(node, ast.expr)
    if isinstance(pattern, ast.Name) and pattern.id == _TEXT:
        return isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
    if isinstance(pattern, ast.Name) and pattern.id == _PUT_TOGETHER:
        return isinstance(node, ast.JoinedStr) and any(
            isinstance(one, ast.FormattedValue) for one in node.values
        )
    if isinstance(pattern, ast.Constant):
        if pattern.value is Ellipsis:
            return True
        return isinstance(node, ast.Constant) and node.value == pattern.value
    whole = dotted(pattern, {})
    if whole is not None and not whole.startswith((_META, _TEXT)):
        said = dotted(node, names)
        return said is not None and fnmatch.fnmatchcase(said, re.sub(r"META_\w+", "*", whole))
    if type(pattern) is not type(node):
        return False
    if isinstance(pattern, ast.Call) and isinstance(node, ast.Call):
        return matches(pattern.func, node.func, names) and _has(pattern, node, names)
    return _parts_match(pattern, node, names)


def _parts_match(pattern: ast.AST, node: Any, names: Mapping[str, str]) -> bool:
    match pattern:
        case ast.Attribute():
            return node.attr == pattern.attr and matches(pattern.value, node.value, names)
        case ast.BinOp():
            return (
                type(pattern.op) is type(node.op)
                and matches(pattern.left, node.left, names)
                and matches(pattern.right, node.right, names)
            )
        case ast.Compare():
            return (
                [type(one) for one in node.ops] == [ast.Eq]
                and matches(pattern.left, node.left, names)
                and matches(pattern.comparators[0], node.comparators[0], names)
            )
        case ast.Assign():
            return matches(pattern.targets[0], node.targets[0], names) and matches(
                pattern.value, node.value, names
            )
    return False


def _has(pattern: ast.Call, node: ast.Call, names: Mapping[str, str]) -> bool:
    """The arguments that a pattern names, among others."""

    def among(wanted: ast.AST, given: Sequence[ast.expr]) -> bool:
        return any(matches(wanted, one, names) for one in given)

    by_name = {one.arg: one.value for one in node.keywords if one.arg is not None}
    return all(among(one, node.args) for one in pattern.args) and all(
        one.arg in by_name and matches(one.value, by_name[one.arg], names)
        for one in pattern.keywords
    )
