"""What a transaction has changed of the register, so that memory follows by a few rows. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The keys of the rows that were written; a device's is (gateway, device)."""

    regions: frozenset[str] = frozenset()
    homes: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()
    gateways: frozenset[str] = frozenset()
    devices: frozenset[tuple[str, str]] = frozenset()
    accounts: frozenset[str] = frozenset()

    def __or__(self, other: "Changed") -> "Changed":
        return Changed(
            regions=self.regions | other.regions,
            homes=self.homes | other.homes,
            persons=self.persons | other.persons,
            gateways=self.gateways | other.gateways,
            devices=self.devices | other.devices,
            accounts=self.accounts | other.accounts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Whom the rules must look at anew: the homes of these regions (of where a home was and of
    where it is), and these gateways."""

    regions: frozenset[str] = frozenset()
    gateways: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.regions or self.gateways)

    def __or__(self, other: "Touched") -> "Touched":
        return Touched(
            regions=self.regions | other.regions, gateways=self.gateways | other.gateways
        )
