from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.db import DataError, OperationalError, connection

from llmadmin.usage.entry import UsageEntry
from llmadmin.usage.journal import Journal
from llmadmin.usage.models import UsageRecord
from llmadmin.usage.recovery import Recovered, recover
from llmadmin.usage.segments import Segment
from llmadmin.usage.services import store
from llmadmin.usage.tasks import recover_journals
from tests.usage import writer
from tests.usage.calls import attempt, call, failed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path)
    yield made
    made.stop()


class Shelf:
    """Takes entries as the database would, by id; `is_away` makes it refuse, as a database does that is gone."""

    def __init__(self) -> None:
        self.entries: dict[object, UsageEntry] = {}
        self.batches: list[int] = []
        self.is_away = False

    def __call__(self, entries: Sequence[UsageEntry]) -> None:
        if self.is_away:
            raise OperationalError("the database is away")
        self.batches.append(len(entries))
        self.entries |= {entry.id: entry for entry in entries}


def write(journal: Journal, *entries: UsageEntry) -> None:
    for entry in entries:
        settlement, entry.settlement = entry.settlement, "open"
        journal.open(entry)
        entry.settlement = settlement
        journal.settle(entry)


def files(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(500):
        if is_so():
            return
        time.sleep(0.02)
    raise AssertionError("It did not come to that within ten seconds.")


def test_what_goes_into_the_journal_comes_out_equal(journal):
    entry = call(tags={"a": 1}, attempts=[failed(), attempt()], error_message="“quoted”\n")
    shelf = Shelf()

    write(journal, entry)
    assert (journal.depth, journal.in_flight, journal.oldest_at is None) == (1, 0, False)
    assert journal.drain(shelf) == 1

    assert shelf.entries == {entry.id: entry}
    assert (journal.depth, journal.oldest_at) == (0, None)
    assert journal.drain(shelf) == 0


def test_g03_the_line_of_a_call_is_on_disk_before_open_returns(journal, tmp_path):
    entry = call(settlement="open")

    journal.open(entry)

    (segment,) = tmp_path.glob("*.jsonl")
    assert str(entry.id).encode() in segment.read_bytes()


def test_an_entry_that_is_still_open_can_not_be_settled(journal):
    with pytest.raises(ValueError, match="final, estimated or aborted"):
        journal.settle(call(settlement="open"))


def test_entries_are_stored_in_batches(journal):
    shelf = Shelf()
    write(journal, *(call() for _ in range(1203)))

    assert journal.drain(shelf) == 1203

    assert shelf.batches == [500, 500, 203]


def test_finished_segments_are_deleted_and_those_with_open_calls_stay(tmp_path):
    journal = Journal(tmp_path, segment_bytes=2000)
    lasting = call(settlement="open")
    journal.open(lasting)
    write(journal, *(call() for _ in range(40)))
    assert len(files(tmp_path, "*.jsonl")) > 5

    journal.drain(Shelf())
    assert len(files(tmp_path, "*.jsonl")) == 2
    lasting.settlement = "final"
    journal.settle(lasting)
    journal.drain(Shelf())

    assert len(files(tmp_path, "*.jsonl")) == 1
    journal.stop()
    assert files(tmp_path) == []


def test_a_segment_is_changed_by_its_age(tmp_path):
    journal = Journal(tmp_path, segment_age_s=0)
    before = files(tmp_path, "*.jsonl")
    write(journal, call())

    journal.drain(Shelf())

    assert files(tmp_path, "*.jsonl") != before
    journal.stop()


def test_g18_a_database_that_is_away_loses_nothing_and_is_tried_again(journal, tmp_path):
    shelf = Shelf()
    shelf.is_away = True
    journal.start(shelf, interval_s=0.01)
    entries = [call() for _ in range(700)]
    write(journal, *entries)
    until(lambda: journal.depth == 700)

    shelf.is_away = False

    until(lambda: journal.depth == 0)
    assert shelf.entries.keys() == {entry.id for entry in entries}


def test_stopping_drains_and_leaves_nothing_behind(tmp_path):
    journal = Journal(tmp_path)
    shelf = Shelf()
    journal.start(shelf, interval_s=60)
    write(journal, call(), call())

    journal.stop(shelf)

    assert len(shelf.entries) == 2
    assert files(tmp_path) == []


def test_what_could_not_be_stored_at_the_stop_is_recovered_later(tmp_path):
    journal = Journal(tmp_path)
    shelf = Shelf()
    shelf.is_away = True
    write(journal, call())
    journal.open(call(settlement="open"))

    journal.stop(shelf)
    with pytest.raises(OperationalError):
        recover(tmp_path, shelf)
    shelf.is_away = False

    assert recover(tmp_path, shelf) == Recovered(settled=1, aborted=1)
    assert files(tmp_path) == []


def test_an_entry_that_the_database_refuses_does_not_hold_up_the_others(journal, tmp_path):
    entries = [call() for _ in range(20)]
    poison = entries[7]
    shelf = Shelf()

    def picky(batch):
        if poison in batch:
            raise DataError("value out of range")
        shelf(batch)

    write(journal, *entries)
    journal.drain(picky)

    assert len(shelf.entries) == 19
    assert (journal.refused, journal.depth) == (1, 0)
    assert UsageEntry.from_json((tmp_path / "refused.jsonl").read_bytes()) == poison


def test_a_full_disk_fails_no_call_and_usage_reaches_the_database_from_memory(journal, monkeypatch):
    shelf = Shelf()
    before, full, after = call(), call(), call()
    write(journal, before)
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", lambda _descriptor, data: 0)
        write(journal, full)
        assert journal.drain(shelf) == 2
    write(journal, after)
    journal.drain(shelf)

    assert shelf.entries.keys() == {before.id, full.id, after.id}
    assert (journal.lost, journal.depth) == (0, 0)


def test_a_line_that_was_torn_by_a_full_disk_spoils_no_other(tmp_path):
    segment = Segment(tmp_path / "one.jsonl")
    real = os.write
    whole = b'{"kind":"settle","entry":%s}\n' % call().to_json()
    try:
        os.write = lambda descriptor, data: real(descriptor, data[:30])
        with pytest.raises(OSError, match="No space"):
            segment.append(whole)
    finally:
        os.write = real
    segment.append(whole)

    assert [len(entries) for entries, _ in segment.batches(10)] == [1]


def test_a_journal_of_a_living_process_is_left_alone(journal, tmp_path):
    write(journal, call())
    shelf = Shelf()

    assert recover(tmp_path, shelf) == Recovered()

    assert shelf.entries == {}
    assert journal.drain(shelf) == 1


@pytest.fixture
def killed(tmp_path):
    """The journal of a process that was killed while it ran; the directory."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.usage.writer", str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return tmp_path


@pytest.mark.django_db
def test_g03_kill_9_loses_nothing_and_open_calls_are_settled_as_aborted(killed):
    assert recover(killed, store) == Recovered(settled=writer.SETTLED, aborted=writer.OPEN)

    assert UsageRecord.objects.filter(status="ok", settlement="final").count() == writer.SETTLED
    aborted = UsageRecord.objects.filter(settlement="aborted", status="error", cost_usd__isnull=True)
    assert aborted.count() == writer.OPEN
    assert "process ended" in aborted[0].error_message
    assert files(killed) == []


@pytest.mark.django_db
def test_a_recovery_that_was_cut_off_is_done_again_without_counting_twice(killed):
    calls = 0

    def fails_on_the_second(entries):
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OperationalError("gone")
        return store(entries[: len(entries) // 2])

    with pytest.raises(OperationalError):
        recover(killed, lambda entries: (fails_on_the_second(entries), fails_on_the_second(entries)))

    recover(killed, store)

    assert UsageRecord.objects.count() == writer.SETTLED + writer.OPEN


@pytest.mark.django_db(transaction=True)
def test_two_recoverers_at_once_settle_nothing_twice(killed):
    gate = threading.Barrier(2)
    found: list[Recovered] = []

    def work():
        gate.wait()
        found.append(recover(killed, store))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(one.settled for one in found) == writer.SETTLED
    assert sum(one.aborted for one in found) == writer.OPEN
    assert UsageRecord.objects.count() == writer.SETTLED + writer.OPEN


def test_a_torn_last_line_is_passed_over(killed):
    last = max(killed.glob("*.jsonl"))
    last.write_bytes(last.read_bytes() + b'{"kind":"settle","entry":{"id":')
    shelf = Shelf()

    recover(killed, shelf)

    assert len(shelf.entries) == writer.SETTLED + writer.OPEN


@pytest.mark.django_db
def test_the_task_recovers_journals_of_this_installation(killed, settings):
    settings.DATA_DIR = killed.parent
    killed.rename(killed.parent / "journal")

    assert recover_journals() == writer.SETTLED + writer.OPEN
    assert recover_journals() == 0


@pytest.mark.django_db(transaction=True)
def test_calls_that_are_written_by_many_threads_all_reach_the_database(tmp_path):
    journal = Journal(tmp_path, segment_bytes=20_000)
    journal.start(store, interval_s=0.02)

    threads = [threading.Thread(target=lambda: write(journal, *(call() for _ in range(50)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.stop(store)

    assert UsageRecord.objects.count() == 200
    assert files(tmp_path) == []
