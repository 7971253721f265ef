"""Which faults of devices ask for a repair. Every word that a gateway tells is in one of the two
tables (a test compares them); a word that is in neither is shown with its device and no more."""

from typing import Final

MAINS_LOST: Final = "mains_lost"

# Somebody has to go there, unless it recovers by itself.
REPAIRED: Final = frozenset(
    {
        "bluetooth_unavailable",  # the gateway's radio for cuffs
        "certificate_ending",  # the gateway can't renew it: soon only its second path is left
        "left_network",  # taken out of its Zigbee network: it will not come back by itself
        MAINS_LOST,
        "modem_unavailable",  # the second path of presses, as the next four
        "no_answer",
        "no_data",
        "no_network",
        "offline",
        "output_failed",  # the elder would not hear that a press was received
        "probe_error",
        "sim_locked",
        "sim_missing",
        "spool_damaged",  # the gateway's card is dying
    }
)

# Shown with the device; nobody is sent for one of these.
SHOWN_ONLY: Final = frozenset(
    {
        "battery_low",  # its own rule: low_battery
        "implausible_value",  # a value that cannot be, often once; nothing to mend on the spot
        "sms_not_delivered",  # the message that failed, not a state
        "sms_refused",
        "spool_evicted",  # after days without a line; the line is the trouble
        "undecodable",
    }
)
