"""A shard that was given back is heard again, or the line ends: never neither."""

import asyncio

import pytest

from ingest.amqp.connecting import AmqpError
from ingest.amqp.line import Line, Sources
from ingest.amqp.shard_in import ShardIn


class Given(ShardIn):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(
            "hw.telemetry.0", 0, 0, on_message=lambda _message: None, on_taken=lambda _its: None
        )
        self._error = error

    async def give_back(self) -> None:
        if self._error is not None:
            raise self._error


class Heard(Line):
    """`hears`: what becomes of the queueing up again."""

    def __init__(self, hears: Exception | None = None) -> None:
        super().__init__(Sources(window=1), lambda _message: None, lambda _queue: None)
        self._hears = hears
        self.again: list[int] = []

    async def _hear(self, shard: int, _queue: str) -> None:
        if self._hears is not None:
            raise self._hears
        self.again.append(shard)


async def given_back(line: Heard, its: Given) -> None:
    line._shards[0] = its
    line.give_back(0, 0.001)
    async with asyncio.timeout(20):
        await asyncio.gather(*line._tasks)


async def test_it_is_heard_again_behind_its_rest() -> None:
    line = Heard()
    await given_back(line, Given())
    assert line.again == [0]
    assert not line.lost.done()
    assert not line._resting


@pytest.mark.parametrize("error", [AmqpError("refused"), RuntimeError("of the library")])
async def test_where_it_can_t_be_the_line_ends_and_another_is_made(error: Exception) -> None:
    """Else others would be told for ever that nothing can be given to us."""
    for line, its in ((Heard(error), Given()), (Heard(), Given(error))):
        await given_back(line, its)
        assert line.lost.result() == str(error)
        assert not line._resting
