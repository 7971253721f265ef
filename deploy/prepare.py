#!/usr/bin/env python3
"""Makes the secrets of an installation: passwords, an authority, the broker's certificate.

    deploy/prepare.py --host hub.example.org --gateway gw-0001 --gateway gw-0002

Run it again to add gateways: what is there stays. Nothing is printed but file names. For each
gateway `secrets/gateways/<id>/` holds what has to be brought to it: its password and `ca.pem`.
Standard library and the openssl program only.
"""

import argparse
import base64
import hashlib
import ipaddress
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The users inside the images; without root the files are readable to all, in a folder that isn't.
HUB_UID = 10001
BROKER_UID = 1883
GRAFANA_UID = 472
INFLUX_UID = 1000
AUTHORITY_UID = 10002
PROXY_UID = 101
RABBIT_UID = 999
# Ten years: a gateway in a mountain village that meets an expired certificate is a silent one.
# The broker's is renewed by `hearthwatch admin renew-broker`, or by deleting server.pem and running
# this again.
AUTHORITY_DAYS = 3650
SERVER_DAYS = 825
# mosquitto's own cost; the passwords have 192 bits, a slow hash would protect nothing.
ROUNDS = 101
# All that Python 3.13 and newer ask of a certificate by default.
SERVER_EXTENSIONS = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""
GATEWAY = re.compile(r"[A-Za-z0-9._-]{1,64}")
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", required=True, help="name or address that gateways connect to")
    parser.add_argument("--gateway", action="append", default=[], help="its id; may be repeated")
    parser.add_argument(
        "--simulator", action="store_true", help="a user for deploy/homes.sh; never beside homes"
    )
    parser.add_argument("--out", type=Path, default=HERE / "secrets")
    args = parser.parse_args()
    for gateway in args.gateway:
        if not GATEWAY.fullmatch(gateway) or gateway in ("hub", "simulator"):
            parser.error(f"{gateway!r} can't be a gateway's id (letters, digits, . _ -)")
    if shutil.which("openssl") is None:
        parser.error("openssl is needed; on Debian: apt-get install openssl")
    prepare(args.out, args.host, args.gateway, simulator=args.simulator)
    return 0


def prepare(folder: Path, host: str, gateways: "list[str]", *, simulator: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "gateways").mkdir(mode=0o700, exist_ok=True)
    certificates(folder, host)
    if os.geteuid() == 0:
        # The authority's own user; without root it stays ours, and gateways have passwords.
        os.chown(folder / "ca.key", AUTHORITY_UID, AUTHORITY_UID)
    empty_list(folder)
    for name in ("pem", "key"):
        # Until there is one that browsers know.
        if not (folder / f"proxy.{name}").exists():
            write(folder / f"proxy.{name}", (folder / f"server.{name}").read_text(), PROXY_UID)
    users = {"hub": password(folder / "broker-password", HUB_UID)}
    if simulator:
        users["simulator"] = password(folder / "simulator-password", HUB_UID)
    password(folder / "grafana-password", GRAFANA_UID)
    password(folder / "influx-password", INFLUX_UID)
    # The hub reads these too, as another user.
    password(folder / "influx-token", None, shared=True)
    password(folder / "postgres-password", None, shared=True)
    # Several servers of each (docker-compose.cluster.yml) know each other by these.
    password(folder / "replica-password", None, shared=True)
    password(folder / "erlang-cookie", RABBIT_UID)
    for gateway in gateways:
        (folder / "gateways" / gateway).mkdir(mode=0o700, exist_ok=True)
    for place in sorted((folder / "gateways").iterdir()):
        users[place.name] = password(place / "uplink-password", None)
        shutil.copy(folder / "ca.pem", place / "ca.pem")
    lines = "".join(f"{user}:{hashed(word)}\n" for user, word in sorted(users.items()))
    write(folder / "passwd", lines, BROKER_UID)
    print(f"{folder}: {len(users)} users of the broker, authority and certificate for {host}")


def password(path: Path, uid: "int | None", *, shared: bool = False) -> str:
    """The password in the file, made when it isn't there. `shared`: for more than one container's
    user; then the folder alone protects it."""
    if not path.exists():
        write(path, secrets.token_urlsafe(24) + "\n", uid)
        if shared:
            path.chmod(0o444)
    return path.read_text().strip()


def write(path: Path, text: str, uid: "int | None") -> None:
    """Whole or not at all, and never readable to others on the way."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    hand_over(fresh, uid)
    fresh.replace(path)


def hand_over(path: Path, uid: "int | None") -> None:
    """To the user of a container, who doesn't exist on this machine."""
    if uid is None:
        return
    if os.geteuid() == 0:
        os.chown(path, uid, uid)
        path.chmod(0o400)
    else:
        path.chmod(0o444)


def hashed(word: str) -> str:
    """mosquitto's `$7$` form: PBKDF2-HMAC-SHA512 over a 12-byte salt."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", word.encode(), salt, ROUNDS, 64)
    return f"$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def certificates(folder: Path, host: str) -> None:
    if not (folder / "ca.pem").exists():
        openssl(
            folder, "req", "-x509", *CURVE, "-days", str(AUTHORITY_DAYS),
            "-subj", "/CN=hearthwatch authority", "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip
        (folder / "ca.key").chmod(0o400)
    if (folder / "server.pem").exists():
        return
    try:
        name = f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        name = f"DNS:{host}"
    (folder / "server.ext").write_text(SERVER_EXTENSIONS + f"subjectAltName={name}\n")
    openssl(
        folder, "req", "-new", *CURVE, "-subj", "/CN=hearthwatch broker",
        "-keyout", "server.key", "-out", "server.csr",
    )  # fmt: skip
    openssl(
        folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-set_serial", f"0x{secrets.token_hex(16)}", "-days", str(SERVER_DAYS),
        "-extfile", "server.ext", "-out", "server.pem",
    )  # fmt: skip
    for name in ("server.csr", "server.ext"):
        (folder / name).unlink()
    for name in ("server.key", "server.pem"):
        hand_over(folder / name, BROKER_UID)


LIST_CONFIG = """\
[ca]
default_ca = authority
[authority]
database = revoked.txt
default_md = sha256
"""


def empty_list(folder: Path) -> None:
    """Of revoked certificates, for the broker's first start; the hub writes the next ones."""
    if (folder / "crl.pem").exists():
        return
    (folder / "revoked.txt").write_text("")
    (folder / "list.cnf").write_text(LIST_CONFIG)
    openssl(
        folder, "ca", "-config", "list.cnf", "-gencrl", "-crldays", str(AUTHORITY_DAYS),
        "-cert", "ca.pem", "-keyfile", "ca.key", "-out", "crl.pem",
    )  # fmt: skip
    (folder / "crl.pem").chmod(0o444)
    for path in folder.glob("revoked.txt*"):
        path.unlink()
    (folder / "list.cnf").unlink()


def openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"openssl {arguments[0]} failed:\n{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
