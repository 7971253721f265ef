"""`./dev secrets`: whether a secret stands in what git keeps.

detect-secrets looks at every file; what it suspects and somebody has looked at is in
`.secrets.baseline` (`./dev secrets --accept` writes it anew: read what it adds). All takes 40 s of
computing; `./dev test` looks at settings, documents and the programs that read secrets.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

from tests.supply.locks import ROOT

BASELINE: Final = ROOT / ".secrets.baseline"
PLUGINS: Final = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "CloudantDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "IbmCloudIamDetector",
    "IbmCosHmacDetector",
    "JwtTokenDetector",
    "KeywordDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SoftlayerDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
# By their randomness: a key that looks like nothing else. The usual limits.
ENTROPY: Final = (("Base64HighEntropyString", 4.5), ("HexHighEntropyString", 3.0))
# Digests that are no secrets, words of pages, pictures, recorded frames of devices.
LEFT_OUT: Final = re.compile(
    r"""\Arequirements/.*\.txt\Z
    |\Adashboard/web/package-lock\.json\Z
    |\Adashboard/web/src/locales/
    |\Atests/(vectors|rules/former_states|gateway/spools)/
    |\.(png|jpg|webp|ico|pdf|sqlite|svg|baseline)\Z""",
    re.VERBOSE,
)


def tracked(*places: str) -> list[str]:
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", *places],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = done.stdout.splitlines()
    return [name for name in names if not LEFT_OUT.search(name) and (ROOT / name).is_file()]


def suspected(names: Sequence[str]) -> Iterator[tuple[str, str, str, int]]:
    """File, kind, a digest of what is suspected, and its line."""
    plugins: list[dict[str, Any]] = [{"name": name} for name in PLUGINS]
    plugins += [{"name": name, "limit": limit} for name, limit in ENTROPY]
    filters = [
        {"path": f"detect_secrets.filters.{name}"}
        for name in (
            "allowlist.is_line_allowlisted",
            "heuristic.is_sequential_string",
            "heuristic.is_potential_uuid",
            "heuristic.is_templated_secret",
            "heuristic.is_indirect_reference",
            "heuristic.is_prefixed_with_dollar_sign",
        )
    ]
    with transient_settings({"plugins_used": plugins, "filters_used": filters}):
        for name in names:
            for secret in scan_file(str(ROOT / name)):
                yield name, secret.type, secret.secret_hash, secret.line_number


def accepted() -> set[tuple[str, str, str]]:
    """Of no line: what moves within its file was looked at."""
    listed: dict[str, list[list[str]]] = json.loads(BASELINE.read_text())
    return {(name, kind, digest) for name, found in listed.items() for kind, digest in found}


def new_ones(names: Sequence[str]) -> list[str]:
    known = accepted()
    return [
        f"{name}:{line}: {kind}"
        for name, kind, digest, line in suspected(names)
        if (name, kind, digest) not in known
    ]


def accept() -> None:
    listed: dict[str, set[tuple[str, str]]] = {}
    for name, kind, digest, _line in suspected(tracked()):
        listed.setdefault(name, set()).add((kind, digest))
    document = {name: sorted(found) for name, found in sorted(listed.items())}
    BASELINE.write_text(json.dumps(document, indent=1) + "\n")


def main(arguments: Sequence[str]) -> int:
    if list(arguments) == ["--accept"]:
        accept()
        return 0
    found = new_ones(tracked())
    sys.stdout.write("".join(f"{line}\n" for line in found))
    sys.stdout.write(f"{len(found)} that nobody has looked at\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
