"""`hearthwatch admin`, the part about gateways: the authority, codes, revocation, the broker."""

import argparse
import datetime as dt
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import segno
from cryptography import x509
from sqlalchemy.exc import SQLAlchemyError

from contract.config import ConfigError
from contract.errors import ContractError
from contract.moment import to_iso
from dashboard.enrolment_port import AuthorityAway
from dashboard.sessions import digest_of, new_token
from hearthwatch import broker_files, broker_renewal, rabbitmq_files
from hearthwatch.authority import certificates, keys
from hearthwatch.authority.asking import AskedAuthority
from hearthwatch.book_change import ACTOR, change_book
from hearthwatch.clock import wall_ms
from hearthwatch.enrolling import code_text, write_list
from hearthwatch.enrolment_config import EnrolmentConfig
from hearthwatch.hub_config import HubConfig, load
from ledger.gateway_certificates import end_codes, issue_code, revoke, revoked
from ledger.place import SqliteBook
from ledger.unit_of_work import UnitOfWork

# What the broker reads of the authority's folder; its key stays where it is.
_SECRET = frozenset({"passwd", "definitions.json"})
_COPIED = (keys.AUTHORITY, keys.SERVER, keys.SERVER_KEY, keys.LIST)


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    init = _action(actions, "ca-init", _ca_init, "make the authority and the broker's certificate")
    init.add_argument("--dir", type=Path, required=True, help="a folder of the authority's own")
    init.add_argument("--host", required=True, help="name or address that gateways connect to")
    enrol = _action(actions, "enrol", _enrol, "a one-time code for the machine of a gateway")
    enrol.add_argument("gateway")
    _config(enrol)
    enrol.add_argument("--no-qr", action="store_true", help="the text alone")
    out = _action(actions, "revoke", _revoke, "end all that a lost or stolen gateway knows")
    out.add_argument("gateway")
    _config(out)
    out.add_argument("--reason", required=True, help="kept in the trail; names nobody")
    crl = _action(actions, "crl", _crl, "write the broker's list of what is revoked anew")
    _config(crl)
    broker = _action(actions, "broker-config", _broker_config, "its configuration for certificates")
    _config(broker)
    broker.add_argument("--authority", type=Path, required=True, help="the folder of ca-init")
    broker.add_argument("--out", type=Path, required=True, help="a folder for the broker")
    renewal = _action(
        actions, "renew-broker", broker_renewal.run, "a new certificate for the broker"
    )
    broker_renewal.add_arguments(renewal)
    told = "where the broker reads its list, if it can't look into the hub's folder"
    broker.add_argument("--crlfile", type=Path, help=told)


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], str],
    text: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text)

    def func(args: argparse.Namespace) -> int:
        try:
            sys.stdout.write(run(args))
        except KeyError as error:
            sys.stderr.write(f"hearthwatch admin: there is no gateway {error.args[0]}\n")
            return 2
        except (ContractError, AuthorityAway, OSError, SQLAlchemyError) as error:
            # The first line says what; a database's others have the statement.
            sys.stderr.write(f"hearthwatch admin: {str(error).splitlines()[0]}\n")
            return 2
        return 0

    parser.set_defaults(func=func)
    return parser


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="hub.toml")


def _loaded(args: argparse.Namespace) -> tuple[HubConfig, EnrolmentConfig]:
    config = load(args.config)
    if config.enrolment is None:
        raise ConfigError(args.config.name, "no [enrolment]: gateways of this hub have passwords")
    return config, config.enrolment


def _ca_init(args: argparse.Namespace) -> str:
    now = dt.datetime.fromtimestamp(wall_ms() / 1000, tz=dt.UTC)
    made = keys.init(args.dir, args.host, now)
    authority = keys.load(args.dir)
    fingerprint = certificates.fingerprint(authority.certificate).hex(":").upper()
    told = f"made {', '.join(made)} in {args.dir}" if made else f"{args.dir} has everything"
    return f"{told}\nfingerprint of the authority (SHA-256): {fingerprint}\n"


def _enrol(args: argparse.Namespace) -> str:
    config, enrolment = _loaded(args)
    certificates.check_gateway(args.gateway)
    token = new_token()
    text = code_text(enrolment, AskedAuthority(enrolment.authority), args.gateway, token)
    digest, now_ms = digest_of(token), wall_ms()
    until_ms = change_book(
        config.book, lambda unit: issue_code(unit, args.gateway, digest, ACTOR, now_ms)
    )
    if not args.no_qr and sys.stdout.isatty():
        segno.make(text, error="m", micro=False).terminal(compact=True)
    return f"{text}\nholds once, until {to_iso(until_ms)}\n"


def _revoke(args: argparse.Namespace) -> str:
    config, enrolment = _loaded(args)
    now_ms = wall_ms()

    ended = change_book(config.book, lambda unit: _ended(unit, args.gateway, args.reason, now_ms))
    try:
        listed = _write(config, enrolment)
    except (AuthorityAway, OSError) as error:
        told = f"{ended} certificates of {args.gateway} are revoked in the book; the broker's list"
        raise AuthorityAway(f"{told} is not written, admin crl does it: {error}") from error
    return f"{ended} certificates of {args.gateway} revoked; {listed}"


def _ended(unit: UnitOfWork, gateway: str, why: str, now_ms: int) -> int:
    if unit.execute("SELECT 1 FROM gateway WHERE id = ?", (gateway,)).fetchone() is None:
        raise KeyError(gateway)
    ended = revoke(unit, gateway, ACTOR, why, now_ms)
    end_codes(unit, gateway, now_ms)
    unit.audit(ACTOR, "revoked", f"gateway:{gateway}", why)
    return ended


def _crl(args: argparse.Namespace) -> str:
    return _write(*_loaded(args))


def _write(config: HubConfig, enrolment: EnrolmentConfig) -> str:
    if isinstance(config.book, SqliteBook) and not config.book.path.exists():
        # Opening it would make an empty one.
        raise ConfigError(str(config.book.path), "there is no book: is data_dir right?")
    reader = config.book.open_reader()
    try:
        with reader.connect() as connection:
            found = frozenset(revoked(connection))
    finally:
        reader.dispose()
    write_list(enrolment, AskedAuthority(enrolment.authority), found)
    return f"{enrolment.crl_file}: {len(found)} revoked\n"


def _broker_config(args: argparse.Namespace) -> str:
    config, enrolment = _loaded(args)
    if not config.broker.password:
        raise ConfigError(args.config.name, "broker.password_file: the hub needs a password")
    passwords = {config.broker.username or "hub": config.broker.password}
    if config.watchdog.test_password:
        passwords[config.watchdog.test_gateway] = config.watchdog.test_password
    args.out.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = args.out.resolve()
    read = enrolment if args.crlfile is None else replace(enrolment, crl_file=args.crlfile)
    rabbit = config.broker.rabbitmq is not None
    made = rabbitmq_files.files if rabbit else broker_files.files
    for name, text in made(folder, config.broker, read, passwords).items():
        keys.write(folder / name, text.encode(), 0o600 if name in _SECRET else 0o644)
    for name in _COPIED:
        target = read.crl_file if name == keys.LIST else folder / name
        if name == keys.LIST and target.exists():
            continue  # the hub's own is newer than the empty one of the beginning
        mode = 0o600 if name == keys.SERVER_KEY else 0o644
        keys.write(target, (args.authority / name).read_bytes(), mode)
    if rabbit:
        authority = x509.load_pem_x509_certificate((folder / keys.AUTHORITY).read_bytes())
        rabbitmq_files.link_list(folder, authority.subject, read.crl_file)
    _hand_over(folder, "rabbitmq" if rabbit else "mosquitto")
    conf = "rabbitmq.conf" if rabbit else "mosquitto.conf"
    return f"{folder}: {conf} for gateways at port {enrolment.broker_port}\n"


def _hand_over(folder: Path, user: str) -> None:
    """To Debian's user of the broker, where there is one and we may."""
    if os.geteuid() != 0:
        return
    for path in (folder, *folder.iterdir()):
        try:
            shutil.chown(path, user, user)
        except LookupError:
            return
