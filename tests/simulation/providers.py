"""Providers of messages and calls: well, dead, slow, lying, and such as say everything twice.

A notifier of the product answers `Delivered` when the provider's own word was yes; whether
anybody heard it is another matter, and nothing in the product may hang on it.
"""

import asyncio
import random

from alarms.notifier import Delivered, Notification, Refused, Result, RetryLater

CHANNELS = ("push", "sms", "voice")
# dead: no connection; failing: HTTP 500; hanging: no answer in time; lying: yes, and nobody is
# told; doubling: told twice; refusing: said no for good; late: told, and the answer got lost.
MOODS = ("dead", "failing", "hanging", "lying", "doubling", "refusing", "late")
HANGS_S = 3_600.0
ANSWERS_S = (0.05, 2.0)


class Provider:
    """One channel. `told`: whoever's telephone rang, with the row's id."""

    def __init__(self, channel: str, rng: random.Random, oracle) -> None:
        self.channel = channel
        self._rng = rng
        self._oracle = oracle
        self.mood = "well"

    async def send(self, notification: Notification) -> Result:
        mood = self.mood
        await asyncio.sleep(HANGS_S if mood == "hanging" else self._rng.uniform(*ANSWERS_S))
        if mood == "dead":
            raise OSError("no route to host")
        if mood == "failing":
            return RetryLater(detail="500")
        if mood == "refusing":
            return Refused(detail="blocked")
        times = {"lying": 0, "doubling": 2}.get(mood, 1)
        self._oracle.rang(self.channel, notification.id, times)
        return RetryLater(detail="reset by peer") if mood == "late" else Delivered()


def points(username: str, *channels: str) -> list[tuple]:
    """Rows of `contact_point` for a person, in order; every way is proved."""
    return [
        (f"{username}-{channel}", username, channel, f"{channel}:{username}", "", "zh-CN",
         place, 0, 0, None, "", None, None, 0, None, "")
        for place, channel in enumerate(channels, start=1)
    ]  # fmt: skip
