"""What the rules of vital signs say, as words for people and programs."""

from enum import StrEnum


class SignReason(StrEnum):
    # Urgent.
    CRISIS = "crisis"
    HIGH_CONFIRMED = "high_confirmed"
    HIGH_UNCONFIRMED = "high_unconfirmed"
    LOW_CONFIRMED = "low_confirmed"
    PULSE_LOW = "pulse_low"
    PULSE_HIGH = "pulse_high"
    PULSE_LOW_UNCONFIRMED = "pulse_low_unconfirmed"
    PULSE_HIGH_UNCONFIRMED = "pulse_high_unconfirmed"
    # Urgent, but only `watch` where a kind says so (blood pressure).
    LOW_UNCONFIRMED = "low_unconfirmed"
    # Watch.
    LOW_WATCH = "low_watch"
    HIGH_WATCH = "high_watch"
    PULSE_LOW_WATCH = "pulse_low_watch"
    PULSE_HIGH_WATCH = "pulse_high_watch"
    MEAN_HIGH = "mean_high"
    TREND_UP = "trend_up"
    TREND_DOWN = "trend_down"
    WEIGHT_GAIN = "weight_gain"
    MISSING = "measurement_missing"
    # The end, and words for the screen.
    BACK_TO_USUAL = "back_to_usual"
    USUAL = "usual"
    AWAITING_REPEAT = "awaiting_repeat"
    NO_MEASUREMENT = "no_measurement"
