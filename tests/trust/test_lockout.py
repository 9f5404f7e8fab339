"""Failures in a row lock; the lock ends by itself; success and other errors do not count."""

import threading

import pytest

from engram.errors import IntegrityError, LockedOut
from engram.trust.lockout import Lockout


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def fail(lockout: Lockout) -> None:
    with pytest.raises(IntegrityError, match="wrong"), lockout.trying():
        raise IntegrityError("wrong")


def test_failures_in_a_row_lock_for_a_time_that_ends_by_itself() -> None:
    clock = Clock()
    lockout = Lockout(3, 30, clock=clock)
    for _ in range(3):
        fail(lockout)
    for left in (30.0, 12.5, 0.5):
        clock.now = 130 - left
        assert lockout.left == pytest.approx(left)
        with pytest.raises(LockedOut, match=f"nothing is tried for another {left:.1f} s"), \
                lockout.trying():  # fmt: skip
            raise AssertionError("it was tried")
    clock.now = 130
    with lockout.trying():
        pass
    assert (lockout.failed, lockout.left) == (0, 0)
    for _ in range(2):
        fail(lockout)
    with lockout.trying():
        pass


def test_one_failure_after_the_time_locks_again() -> None:
    clock = Clock()
    lockout = Lockout(2, 5, clock=clock)
    fail(lockout)
    fail(lockout)
    clock.now += 5
    fail(lockout)
    assert lockout.left == 5


def test_success_begins_the_count_anew_and_other_errors_are_none_of_its_business() -> None:
    lockout = Lockout(2, 5, clock=Clock())
    for _ in range(4):
        fail(lockout)
        with lockout.trying():
            pass
    for _ in range(4):
        with pytest.raises(OSError, match="disk"), lockout.trying():
            raise OSError("disk")
    assert lockout.left == 0


def test_a_success_that_began_before_does_not_lift_the_lock() -> None:
    lockout = Lockout(1, 5, clock=Clock())
    with lockout.trying():
        fail(lockout)
    assert lockout.left == 5


def test_threads_count_together() -> None:
    lockout = Lockout(50, 5, clock=Clock())
    refused = []

    def guess() -> None:
        for _ in range(20):
            try:
                with lockout.trying():
                    raise IntegrityError("wrong")
            except LockedOut:
                refused.append(1)
            except IntegrityError:
                pass

    threads = [threading.Thread(target=guess) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lockout.failed + len(refused) == 80
    assert 50 <= lockout.failed <= 53


def test_the_usual_clock_runs() -> None:
    lockout = Lockout(1, 0.02)
    fail(lockout)
    with pytest.raises(LockedOut), lockout.trying():
        pass
    threading.Event().wait(0.03)
    with lockout.trying():
        pass


@pytest.mark.parametrize(("failures", "seconds"), [(0, 1), (True, 1), (1.5, 1), (1, 0), (1, 1e9)])
def test_numbers_out_of_range_are_refused(failures, seconds) -> None:
    with pytest.raises(ValueError, match="must be"):
        Lockout(failures, seconds)
