"""The tables: legal moves move, all others raise and say who has it; only people close."""

import itertools

import pytest

from alarms.lifecycle import (
    ALARM_MOVES,
    ANSWER_CLOSING,
    SELF_CLOSING,
    TASK_MOVES,
    AlarmMove,
    AlarmState,
    IllegalMove,
    Outcome,
    TaskMove,
    TaskState,
    check_outcome,
    move_alarm,
    move_task,
)


@pytest.mark.parametrize(("state", "move"), [*itertools.product(AlarmState, AlarmMove)])
def test_every_alarm_move(state, move) -> None:
    if (state, move) in ALARM_MOVES:
        assert move_alarm(state, move) is ALARM_MOVES[(state, move)]
    else:
        with pytest.raises(IllegalMove, match="by duty1"):
            move_alarm(state, move, "duty1")


@pytest.mark.parametrize(("state", "move"), [*itertools.product(TaskState, TaskMove)])
def test_every_task_move(state, move) -> None:
    if (state, move) in TASK_MOVES:
        assert move_task(state, move) is TASK_MOVES[(state, move)]
    else:
        with pytest.raises(IllegalMove):
            move_task(state, move)


def test_only_opening_again_leaves_closed() -> None:
    leaving = [move for (state, move) in ALARM_MOVES if state is AlarmState.CLOSED]
    assert leaving == [AlarmMove.REOPEN]


def test_time_never_closes() -> None:
    closing = {move for (_state, move), after in ALARM_MOVES.items() if after is AlarmState.CLOSED}
    assert closing == {AlarmMove.CLOSE, AlarmMove.MERGE}
    assert ALARM_MOVES[(AlarmState.ACKNOWLEDGED, AlarmMove.EXPIRE)] is AlarmState.OPEN


@pytest.mark.parametrize("kind", ["sos", "fall", "blood_pressure", "no_sign_of_life", "unreadable"])
def test_the_system_never_closes_an_alarm_about_a_person(kind) -> None:
    for outcome in Outcome:
        if (kind, outcome) == ("no_sign_of_life", Outcome.ANSWERED_WELL):
            continue  # its person's own answer
        with pytest.raises(IllegalMove, match="named human"):
            check_outcome(outcome, kind, by_system=True)


def test_only_a_doubt_about_a_person_ends_with_the_persons_own_answer() -> None:
    assert frozenset({"no_sign_of_life"}) == ANSWER_CLOSING
    word = "answered_well"
    assert check_outcome(word, "no_sign_of_life", by_system=True) is Outcome.ANSWERED_WELL
    with pytest.raises(IllegalMove, match="not for people"):
        check_outcome(word, "no_sign_of_life", by_system=False)


def test_technical_alarms_may_end_by_themselves() -> None:
    for kind in SELF_CLOSING:
        assert check_outcome("recovered", kind, by_system=True) is Outcome.RECOVERED
    with pytest.raises(IllegalMove):
        check_outcome("recovered", "gateway_silent", by_system=False)
    with pytest.raises(IllegalMove):
        check_outcome("whatever", "sos", by_system=False)
