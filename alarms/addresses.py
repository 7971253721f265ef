"""What an address of each channel has to be, made the same however it was typed."""

from collections.abc import Mapping
from typing import Any

from alarms.channel import mail_address, phone_number
from alarms.registry import NOTIFIERS
from alarms.web_push_message import BadSubscription, canonical
from contract.errors import ContractError

# A userid of WeCom (1 to 64) is the longest name.
NAME_LENGTH_MAX = 64


def clean(channel: str, address: str, configured: Mapping[str, Any]) -> str:
    """The address as it is kept; ContractError says what is wrong. `configured`: by channel."""
    spec = NOTIFIERS.get(channel)
    if spec is None or spec.form is None or channel not in configured:
        known = ", ".join(sorted(configured)) or "none"
        raise ContractError("unknown_channel", f"channels configured here: {known}")
    if spec.form == "phone":
        return phone_number(address)
    if spec.form == "mail":
        return mail_address(address)
    if spec.form == "subscription":
        try:
            return canonical(address)
        except BadSubscription as error:
            raise ContractError("bad_address", str(error)) from None
    name = address.strip()
    if spec.names is not None and name not in spec.names(configured[channel]):
        raise ContractError("bad_address", "no bot or target of this name is configured")
    if not 0 < len(name) <= NAME_LENGTH_MAX or any(c in "|@ \t\r\n" for c in name):
        raise ContractError("bad_address", "1 to 64 characters without blanks, | and @")
    return name


def shown(channel: str, address: str) -> str:
    """As others may see it: a telephone in part, of a browser only its service."""
    spec = NOTIFIERS.get(channel)
    form = None if spec is None else spec.form
    if form == "phone":
        return f"{address[:-8]}****{address[-4:]}" if len(address) > 8 else "****"
    if form == "mail":
        name, _, host = address.rpartition("@")
        return f"{name[:1]}***@{host}"
    if form == "subscription":
        return address.partition("://")[2].partition("/")[0].partition('"')[0]
    return address
