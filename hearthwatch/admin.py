"""`hearthwatch admin`: logins and gateways, straight into the book (the hub may be running)."""

import argparse
import getpass
import secrets
import sys
from pathlib import Path

from alarms.addresses import clean
from alarms.notifier import Delivered
from contract.config import ConfigError
from contract.errors import ContractError
from dashboard.accounts import AccountError, check_account, create_user, issue_gateway_key
from dashboard.passwords import Passwords, WeakPassword
from dashboard.permissions import ROLES
from dashboard.sessions import close_sessions_of
from dashboard.signing_in.second_factors import reset
from hearthwatch import gateway_admin, outlines_command, own_key_command
from hearthwatch.book_change import ACTOR, change_book
from hearthwatch.hub_config import load
from hearthwatch.try_channels import Way, send_tests, ways_of
from ledger.place import Place
from ledger.unit_of_work import UnitOfWork


def add_user(  # noqa: PLR0917 - the fields of an account
    book: Place, username: str, name: str, role: str, region: str, password: str
) -> None:
    """Make an account; AccountError, WeakPassword or ContractError say why not."""
    check_account(username, role, password, (name,))
    hashed = Passwords().hash(password)
    change_book(
        book,
        lambda unit: create_user(
            unit,
            username=username,
            name=name,
            role=role,
            region=region,
            phone="",
            password_hash=hashed,
            actor=ACTOR,
        ),
    )


def random_password() -> str:
    """96 bits, easy to copy."""
    return secrets.token_urlsafe(12)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "admin",
        help="create logins, enrol and revoke gateways, make the broker's configuration",
        epilog="example: hearthwatch admin create-user --config hub.toml duty1 "
        "--name 李敏 --role duty --region 610926",
    )
    actions = parser.add_subparsers(dest="action", required=True)
    user = actions.add_parser("create-user", help="make a login; asks for the password")
    user.add_argument("username")
    user.add_argument("--config", type=Path, required=True, help="hub.toml")
    user.add_argument("--name", required=True, help="the person's name, shown on the board")
    user.add_argument("--role", required=True, choices=ROLES)
    user.add_argument("--region", default="", help="region code; nothing means every region")
    user.add_argument("--random-password", action="store_true", help="make one and print it")
    user.set_defaults(func=_create_user)
    key = actions.add_parser("gateway-key", help="issue a gateway's key for the HTTPS path")
    key.add_argument("gateway")
    key.add_argument("--config", type=Path, required=True, help="hub.toml")
    key.set_defaults(func=_gateway_key)
    outlines_command.add_parser(actions)
    own_key_command.add_parser(actions)
    gateway_admin.add_actions(actions)
    reset = actions.add_parser(
        "reset-factors",
        help="take an account's second steps away, where no administrator can sign in to do it",
        epilog="example: hearthwatch admin reset-factors --config hub.toml admin1",
    )
    reset.add_argument("username")
    reset.add_argument("--config", type=Path, required=True, help="hub.toml")
    reset.set_defaults(func=_reset_factors)
    test = actions.add_parser(
        "test-notify",
        help="send a [TEST] message and print what the provider answers",
        epilog="examples: hearthwatch admin test-notify --config hub.toml --user duty1; "
        "hearthwatch admin test-notify --config hub.toml --channel wecom_bot --address duty",
    )
    test.add_argument("--config", type=Path, required=True, help="hub.toml")
    test.add_argument("--user", help="every verified way of this account")
    test.add_argument("--channel", help="with --address: one way")
    test.add_argument("--address", help="number, mail address, userid or name of a bot")
    test.set_defaults(func=_test_notify)


def _create_user(args: argparse.Namespace) -> int:
    try:
        book = load(args.config).book
        password = random_password() if args.random_password else getpass.getpass("password: ")
        add_user(book, args.username, args.name, args.role, args.region, password)
    except (ConfigError, ContractError, AccountError, WeakPassword) as error:
        sys.stderr.write(f"hearthwatch admin: {error}\n")
        return 2
    if args.random_password:
        sys.stdout.write(f"{password}\n")
    return 0


def _gateway_key(args: argparse.Namespace) -> int:
    try:
        book = load(args.config).book
        key = change_book(book, lambda unit: issue_gateway_key(unit, args.gateway, actor=ACTOR))
    except (ConfigError, KeyError) as error:
        sys.stderr.write(f"hearthwatch admin: {error}\n")
        return 2
    sys.stdout.write(f"{key}\n")
    return 0


def reset_factors(book: Place, username: str) -> None:
    """Its second steps and sessions end; KeyError when there is no such account."""

    def change(unit: UnitOfWork) -> None:
        unit.execute("SELECT 1 FROM account WHERE username = ?", (username,))
        if unit.cursor.fetchone() is None:
            raise KeyError(username)
        reset(unit, username, ACTOR)
        close_sessions_of(unit, username)

    change_book(book, change)


def _reset_factors(args: argparse.Namespace) -> int:
    try:
        reset_factors(load(args.config).book, args.username)
    except ConfigError as error:
        sys.stderr.write(f"hearthwatch admin: {error}\n")
        return 2
    except KeyError:
        sys.stderr.write(f"hearthwatch admin: there is no account {args.username}\n")
        return 1
    sys.stdout.write(f"{args.username} signs in with the password alone now\n")
    return 0


def _test_notify(args: argparse.Namespace) -> int:
    if bool(args.user) == bool(args.channel and args.address):
        sys.stderr.write("hearthwatch admin: --user, or --channel with --address\n")
        return 2
    try:
        config = load(args.config)
        found = (
            ways_of(config.book, args.user)
            if args.user
            else [Way(args.channel, clean(args.channel, args.address, config.notify.channels))]
        )
    except (ConfigError, ContractError) as error:
        sys.stderr.write(f"hearthwatch admin: {error}\n")
        return 2
    if not found:
        sys.stderr.write(f"hearthwatch admin: {args.user} has no verified way\n")
        return 1
    failed = 0
    for way, result in send_tests(config, found):
        good = isinstance(result, Delivered)
        failed += not good
        detail = result.detail or ("taken" if good else "refused")
        sys.stdout.write(f"{'ok' if good else 'FAIL':4}  {way.channel:14} {detail}\n")
    return 1 if failed else 0
