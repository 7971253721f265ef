"""Mail by a relay that takes our name and password. An address is an e-mail address.

Source: RFC 5321, 4.2.1: 4yz is "later", 5yz is "no"; RFC 3463: 5.1.1 and 5.1.10 name an address
that is none. A Message-ID of our own id lets the receiver drop a double (RFC 5322, 3.6.4).
"""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from alarms.channel import ChannelSpec, Settings, Tools, mail_address
from alarms.limits import Limit
from alarms.message import decode
from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from contract.config import ConfigError, one_of
from contract.errors import ContractError

TIMEOUT_S: Final = 10.0
_SECURITIES: Final = ("tls", "starttls", "none")
# The mailbox is none, or takes nothing any more (RFC 3463, 3.2).
_DEAD: Final = ("5.1.1", "5.1.2", "5.1.3", "5.1.10", "5.2.1")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Config:
    host: str
    port: int
    security: str
    username: str
    password: str
    sender: str


class Smtp:
    """Each message on a connection of its own, in a worker thread: the library blocks."""

    def __init__(self, config: Config) -> None:
        self._config = config

    async def send(self, notification: Notification) -> Result:
        return await asyncio.to_thread(self._send, notification)

    def _send(self, notification: Notification) -> Result:
        mail = _mail(self._config.sender, notification)
        try:
            with _connect(self._config) as line:
                if self._config.username:
                    line.login(self._config.username, self._config.password)
                line.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, text)] = error.recipients.values()
            return _refused(code, text)
        except smtplib.SMTPAuthenticationError as error:
            # A wrong password is mended by a person; messages wait for that and are not lost.
            return RetryLater(detail=f"{error.smtp_code} the relay refuses our name")
        except smtplib.SMTPResponseException as error:
            return _refused(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError, ssl.SSLError) as error:
            return RetryLater(detail=type(error).__name__)
        return Delivered()


def _refused(code: int, text: bytes | str) -> Result:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    detail = f"{code} {words}"[:240]
    if code < 500:
        return RetryLater(detail=detail)
    return Refused(detail=detail, dead_contact=words.split(" ")[0] in _DEAD)


def _connect(config: Config) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if config.security == "tls":
        return smtplib.SMTP_SSL(config.host, config.port, timeout=TIMEOUT_S, context=context)
    line = smtplib.SMTP(config.host, config.port, timeout=TIMEOUT_S)
    if config.security == "starttls":
        try:
            line.starttls(context=context)
        except BaseException:
            line.close()
            raise
    return line


def _mail(sender: str, notification: Notification) -> EmailMessage:
    message = decode(notification.body)
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = notification.target
    mail["Subject"] = message.title
    mail["Message-ID"] = f"<{notification.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.urgent:
        mail["Importance"] = "high"
    mail.set_content(message.text)
    return mail


def _read(settings: Settings) -> Config:
    settings.only("host", "port", "security", "username", "password_file", "sender")
    security = one_of(
        settings.get("security", str, "starttls"), _SECURITIES, f"{settings.where}.security"
    )
    username = settings.get("username", str, "")
    if username and security == "none":
        raise ConfigError(f"{settings.where}.security", "a password needs tls or starttls")
    try:
        sender = mail_address(settings.get("sender", str))
    except ContractError as error:
        raise ConfigError(f"{settings.where}.sender", error.detail) from None
    return Config(
        host=settings.get("host", str),
        port=settings.get("port", int, 465 if security == "tls" else 587),
        security=security,
        username=username,
        password=settings.secret("password") if username else "",
        sender=sender,
    )


def _build(config: Config, tools: Tools) -> Notifier:  # noqa: ARG001 - as all notifiers
    return Smtp(config)


SPEC: Final = ChannelSpec(
    name="smtp",
    title="e-mail",
    form="mail",
    read=_read,
    build=_build,
    limits=(Limit(count=60, per_s=60, of="channel"),),
)
