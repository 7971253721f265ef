"""How people sign in at this hub (`[signing_in]` of hub.toml)."""

from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

# Of whom a second factor is asked; who has one set up always shows it.
SecondFactor = Literal["off", "staff"]

# Sessions are real time: a demonstration at sixty times the speed must not sign its viewers out.
# A browser left alone (ASVS 5.0, 7.3.1); an open live board counts as being used.
IDLE_MIN: Final = 30
IDLE_MIN_MAX: Final = 12 * 60
# A week: everybody has been at the office once.
GRACE_DAYS: Final = 7
GRACE_DAYS_MAX: Final = 90
# Half a shift; who shows a code all day no longer looks what for.
STEP_UP_MIN: Final = 240
STEP_UP_MIN_MAX: Final = 12 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOnSettings:
    """An identity provider (OpenID Connect). `trusts_factor`: who comes from it has shown a second
    factor there, whatever its tokens say."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = ""
    trusts_factor: bool = False
    scopes: tuple[str, ...] = ("openid",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """`origin`: the address people have of this hub, as https://hub.example; passkeys are made for
    it. Without one they work on localhost only."""

    origin: str = ""
    second_factor: SecondFactor = "off"
    grace_days: int = GRACE_DAYS
    step_up_min: int = STEP_UP_MIN
    idle_min: int = IDLE_MIN
    sign_on: SignOnSettings | None = None

    @property
    def idle_ms(self) -> int:
        return self.idle_min * 60_000

    @property
    def step_up_ms(self) -> int:
        return self.step_up_min * 60_000

    @property
    def grace_ms(self) -> int:
        return self.grace_days * 86_400_000

    @property
    def relying_party(self) -> str:
        """The host that passkeys belong to; empty without an origin."""
        return urlsplit(self.origin).hostname or ""
