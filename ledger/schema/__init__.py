"""Tables of the book of record (SQLite or PostgreSQL), one place for both dialects.

Rows of `entry` are appended and never changed: they are the truth. `alarm`, `task`, `visit` and
`device_state` are what the entries add up to, kept in the same transaction for quick reading.
Every instant is an integer of milliseconds since the epoch (`*_ms`); every document is JSON text.
The tables stand in files by subject; who uses one takes it from here.
"""

from ledger.schema.access import (
    ACCOUNT,
    AUDIT,
    BREAK_GLASS,
    GATEWAY_CERTIFICATE,
    GATEWAY_CODE,
    GATEWAY_KEY,
    IDEMPOTENCY,
    META,
    SESSION,
)
from ledger.schema.arrivals import (
    BACKUP_COPY,
    BACKUP_THROUGH,
    EVENT,
    QUARANTINE,
    SPOOL_MARK,
)
from ledger.schema.assessment import ASSESSMENT_FACT
from ledger.schema.care import CARE_LINE, MONEY_LINE, PROVIDER, REFERRAL
from ledger.schema.cases import (
    ALARM,
    ATTACHMENT,
    ENTRY,
    TASK,
    VISIT,
    VISIT_CONFLICT,
    VISIT_CORRECTION,
)
from ledger.schema.columns import METADATA
from ledger.schema.exchange import EXCHANGE_PERSON
from ledger.schema.exports import EXPORT_FILE, EXPORT_ORDER, EXPORT_REQUEST
from ledger.schema.judging import RULE_SETTING, RULE_STATE, SHADOW_FINDING
from ledger.schema.persons import (
    CONSENT,
    CONSENT_WITHDRAWAL,
    FAMILY_LINK,
    HOME_TERM,
    PERSON_FILE,
    PERSON_PHOTO,
    PERSON_TERM,
)
from ledger.schema.places import (
    DEVICE,
    GATEWAY,
    HOME,
    REGION,
    REGION_OUTLINE,
    SERVICE_USER,
    STAY,
)
from ledger.schema.plans import VISIT_PLAN
from ledger.schema.response import ESCALATION, ESCALATION_STEP, HUB_LEASE
from ledger.schema.rota import (
    HANDOVER,
    HANDOVER_LINE,
    HANDOVER_MARK,
    ROTA_CALENDAR,
    ROTA_FACT,
)
from ledger.schema.sealing import PERSON_KEY
from ledger.schema.service import RESPONSE_REVIEW, TEST_PRESS
from ledger.schema.sharing import BOOK_CHANGE
from ledger.schema.signing_in import (
    API_TOKEN,
    KNOWN_DEVICE,
    PASSKEY,
    RECOVERY_CODE,
    SIGN_ON,
    TOTP,
    WALL_SCREEN,
)
from ledger.schema.telling import CONTACT_POINT, OUTBOX, REPLY_LINK

__all__ = [
    "ACCOUNT",
    "ALARM",
    "API_TOKEN",
    "ASSESSMENT_FACT",
    "ATTACHMENT",
    "AUDIT",
    "BACKUP_COPY",
    "BACKUP_THROUGH",
    "BOOK_CHANGE",
    "BREAK_GLASS",
    "CARE_LINE",
    "CONSENT",
    "CONSENT_WITHDRAWAL",
    "CONTACT_POINT",
    "DEVICE",
    "ENTRY",
    "ESCALATION",
    "ESCALATION_STEP",
    "EVENT",
    "EXCHANGE_PERSON",
    "EXPORT_FILE",
    "EXPORT_ORDER",
    "EXPORT_REQUEST",
    "FAMILY_LINK",
    "GATEWAY",
    "GATEWAY_CERTIFICATE",
    "GATEWAY_CODE",
    "GATEWAY_KEY",
    "HANDOVER",
    "HANDOVER_LINE",
    "HANDOVER_MARK",
    "HOME",
    "HOME_TERM",
    "HUB_LEASE",
    "IDEMPOTENCY",
    "KNOWN_DEVICE",
    "META",
    "METADATA",
    "MONEY_LINE",
    "OUTBOX",
    "PASSKEY",
    "PERSON_FILE",
    "PERSON_KEY",
    "PERSON_PHOTO",
    "PERSON_TERM",
    "PROVIDER",
    "QUARANTINE",
    "RECOVERY_CODE",
    "REFERRAL",
    "REGION",
    "REGION_OUTLINE",
    "REPLY_LINK",
    "RESPONSE_REVIEW",
    "ROTA_CALENDAR",
    "ROTA_FACT",
    "RULE_SETTING",
    "RULE_STATE",
    "SERVICE_USER",
    "SESSION",
    "SHADOW_FINDING",
    "SIGN_ON",
    "SPOOL_MARK",
    "STAY",
    "TASK",
    "TEST_PRESS",
    "TOTP",
    "VISIT",
    "VISIT_CONFLICT",
    "VISIT_CORRECTION",
    "VISIT_PLAN",
    "WALL_SCREEN",
]
