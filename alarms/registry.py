"""Every notification channel: one line each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from alarms.notifiers.gateway_command import GatewayCommand
from alarms.notifiers.webhook import Webhook

NOTIFIERS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "gateway_command": GatewayCommand,
        "webhook": Webhook,
    }
)
