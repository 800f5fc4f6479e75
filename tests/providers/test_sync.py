from __future__ import annotations

import asyncio
import os
import threading

import pytest

from providers.sync import background_loop, iterate_sync, run_sync, stop_background_loop


async def thread_name() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_async_code_runs_from_sync_code():
    assert run_sync(thread_name()) == "providers-sync"


async def test_async_code_runs_from_sync_code_inside_a_running_loop():
    assert run_sync(thread_name()) == "providers-sync"


def test_all_threads_share_one_background_loop():
    loops = []
    threads = [threading.Thread(target=lambda: loops.append(background_loop())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(map(id, loops))) == 1


def test_errors_come_out_as_they_are():
    async def fail() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        run_sync(fail())


def test_a_sync_call_on_the_background_loop_is_refused_rather_than_hanging():
    async def nested() -> None:
        run_sync(thread_name())

    with pytest.raises(RuntimeError, match="await the async form"):
        run_sync(nested())


def test_an_async_iterator_is_iterated_from_sync_code_and_closed_when_left_early():
    closed = []

    async def numbers():
        try:
            for number in range(10):
                yield number
        finally:
            closed.append(True)

    seen = []
    for number in iterate_sync(numbers()):
        seen.append(number)
        if number == 2:
            break

    assert seen == [0, 1, 2]
    assert closed == [True]


def test_after_a_stop_the_next_sync_call_starts_another_loop():
    first = background_loop()

    stop_background_loop()

    assert first.is_closed()
    assert run_sync(thread_name()) == "providers-sync"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_gets_a_loop_of_its_own():
    run_sync(thread_name())
    read_end, write_end = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(write_end, run_sync(thread_name()).encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read_end, 100) == b"providers-sync"
