"""Executors: calls end once each, whatever dies, fails or is stopped, wherever they are made."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from calls import about, double, end_process, fail, fail_awkwardly, lock, sleep, wait_until_stopped

from uwm.experiments.cells import Context
from uwm.experiments.executors import Executor, WorkerLost, choose, dask, processes
from uwm.experiments.executors.pace import Pace
from uwm.experiments.executors.packing import packed, unpacked
from uwm.experiments.progress import Monitor, Progress, WaitingWarning

Made = dict[int, Any]


@pytest.fixture(params=["threads", "processes", "own threads", "own processes", "dask"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "own threads":
        with ThreadPoolExecutor(2) as pool:
            yield choose(pool, jobs=2)
    elif request.param == "own processes":
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            yield choose(pool, jobs=2)
    else:
        if request.param == "dask":
            pytest.importorskip("distributed")
        yield choose(request.param, jobs=1 if request.param == "dask" else 2)


def run(executor: Executor, calls: Any, **options: Any) -> tuple[bool, Made, Made]:
    found: Made = {}
    errors: Made = {}
    monitor = options.pop("monitor", None) or Monitor()
    stopped = executor.run(
        calls, found.__setitem__, failed=errors.__setitem__, monitor=monitor, **options
    )
    return stopped, found, errors


def test_every_call_ends_once_and_errors_end_none_of_the_others(
    executor: Executor, tmp_path: Path
) -> None:
    calls = [partial(double, 1), fail, about, fail_awkwardly, partial(double, 3)]
    stopped, found, errors = run(executor, calls, threads=3, checkpoints=tmp_path / "kept")
    assert not stopped and (found[0], found[4]) == (2, 6)
    assert isinstance(errors[1], KeyError)
    assert "1 and 2" in str(errors[3])
    process, threads, folder = found[2]
    assert (threads, folder) == (3, str(tmp_path / "kept"))
    assert (process != os.getpid()) is executor.in_processes
    if executor.in_processes:
        assert "calls.py" in str(errors[1].__cause__)  # the traceback there


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_quick_calls_that_go_to_a_worker_together_end_one_by_one(how: str, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    calls: list[Any] = [partial(double, k) for k in range(1000)]
    calls[500] = partial(end_process, how, tmp_path / "once")
    calls[600] = partial(end_process, "always", tmp_path / "always")
    calls[700], calls[800] = fail, wait_until_stopped
    stopped, found, errors = run(choose("dask", jobs=2), calls)
    assert not stopped
    assert isinstance(errors.pop(600), WorkerLost) and isinstance(errors.pop(700), KeyError)
    assert (found.pop(500), found.pop(800), errors) == ("survived", "waited in vain", {})
    assert found == {k: 2 * k for k in range(1000) if k not in (500, 600, 700, 800)}


def test_calls_go_together_when_they_are_quick_and_alone_when_they_are_not() -> None:
    pace = Pace()
    pace.note(1e-4)
    assert pace.together > 10
    pace.note(0.06)
    assert pace.together == 1
    for _ in range(100):
        pace.note(0.0)
    assert pace.together > 10


def test_dask_without_workers_waits_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(dask, "PATIENCE", 0.1)
    monkeypatch.setattr(dask, "LOOK", 0.1)
    options: Any = {"n_workers": 0, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        timer = threading.Timer(1.0, cluster.scale, [1])
        timer.start()
        with pytest.warns(WaitingWarning, match="no workers") as told:
            stopped, found, errors = run(choose(client), [partial(double, 1), partial(double, 2)])
        timer.join()
    assert (stopped, found, errors, len(told)) == (False, {0: 2, 1: 4}, {}, 1)


def test_without_failed_the_first_error_ends_the_calls() -> None:
    executor = choose("threads", jobs=2)
    found: Made = {}
    with pytest.raises(KeyError, match="no such thing"):
        calls = (fail if k == 1 else partial(double, k) for k in range(10_000))
        executor.run(calls, found.__setitem__, monitor=Monitor())
    assert len(found) < 100
    assert all(found[k] == 2 * k for k in found)


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_calls_are_taken_when_there_is_room(name: str) -> None:
    begun = 0

    def calls() -> Any:
        nonlocal begun
        for _ in range(100_000):
            begun += 1
            yield partial(double, 1)

    found: Made = {}

    def stop_soon(k: int, result: int) -> None:
        found[k] = result
        if k == 5:
            raise KeyboardInterrupt

    assert choose(name, jobs=2).run(calls(), stop_soon, monitor=Monitor())
    assert begun < 20 and 5 in found


@pytest.mark.parametrize(
    "kind", [ThreadPoolExecutor, partial(ProcessPoolExecutor, mp_context=get_context("spawn"))]
)
def test_an_executor_that_is_shut_down_fails_the_calls_that_it_drops(kind: Any) -> None:
    pool = kind(1)
    found: Made = {}
    errors: Made = {}

    def end(k: int, result: int) -> None:
        found[k] = result
        pool.shutdown(wait=False, cancel_futures=True)

    stopped = choose(pool, jobs=40).run(
        [partial(sleep, 0.05)] * 40, end, failed=errors.__setitem__, monitor=Monitor()
    )
    assert not stopped and found and errors
    assert sorted([*found, *errors]) == list(range(40))
    assert {str(error) for error in errors.values()} == {
        "the executor has cancelled the call: it was shut down before its turn"
    }


def test_a_second_ctrl_c_does_not_wait_for_threads() -> None:
    monitor = Monitor()
    begun, end, ended = threading.Event(), threading.Event(), threading.Event()

    def deaf(context: Context) -> None:
        begun.set()
        end.wait(20)
        ended.set()

    def press_twice() -> None:
        begun.wait(20)
        os.kill(os.getpid(), signal.SIGINT)
        while not monitor.stopped:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press_twice)
    pressing.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            choose("threads", jobs=1).run([deaf], print, monitor=monitor)
        assert not ended.is_set()
    finally:
        end.set()
        pressing.join()


def test_an_error_of_ended_loses_no_other_result() -> None:
    found: Made = {}
    executor = choose("threads", jobs=2)

    def ended(k: int, result: int) -> None:
        if k == 1:
            raise OSError("disk full")
        found[k] = result

    with pytest.raises(OSError, match="disk full"):
        executor.run([partial(double, k) for k in range(2)], ended, monitor=Monitor())
    assert found == {0: 0}


@pytest.mark.parametrize("name", ["threads", "processes", "dask"])
def test_a_listener_stops_the_calls(name: str) -> None:
    told: list[Progress] = []
    if name == "dask":
        pytest.importorskip("distributed")

    def listen(event: Progress) -> bool:
        told.append(event)
        return event.step < 3

    calls = [wait_until_stopped] * 40
    stopped, found, errors = run(choose(name, jobs=2), calls, monitor=Monitor(listen))
    assert stopped and not errors
    assert set(found.values()) == {"stopped"} and 1 <= len(found) <= 2
    assert told[0].name == "waiting"


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_an_error_of_the_listener_ends_the_calls(name: str) -> None:
    def listen(event: Progress) -> None:
        raise ZeroDivisionError

    found: Made = {}
    with pytest.raises(ZeroDivisionError):
        choose(name, jobs=1).run(
            [wait_until_stopped] * 3, found.__setitem__, monitor=Monitor(listen)
        )
    assert set(found.values()) <= {"stopped"}


def test_what_a_process_that_dies_had_to_do_is_done_by_another(tmp_path: Path) -> None:
    calls = [
        partial(end_process, "exit", tmp_path / "exit"),
        partial(double, 1),
        partial(end_process, "kill", tmp_path / "kill"),
        partial(end_process, "always", tmp_path / "always"),
        partial(double, 2),
    ]
    stopped, found, errors = run(choose("processes", jobs=2), calls)
    assert not stopped
    assert found == {0: "survived", 1: 2, 2: "survived", 4: 4}
    assert isinstance(errors[3], WorkerLost)
    assert str(errors[3]) == "lost 3 times, the last time its process was ended by SIGKILL"
    assert len(set((tmp_path / "always").read_text().split())) == 3


def test_an_end_that_is_interrupted_leaves_no_process() -> None:
    pool: Any = choose("processes", jobs=2).pool(Monitor(), 1, None)
    for k in range(2):
        pool.begin(k, partial(double, k))
    ended = 0
    while ended < 2:
        ended += len(list(pool.look(10.0)))
    join = pool._workers[0].process.join

    def interrupted(seconds: float | None = None) -> None:
        if seconds is not None:
            raise KeyboardInterrupt
        join()

    pool._workers[0].process.join = interrupted
    with pytest.raises(KeyboardInterrupt):
        pool.__exit__(None, None, None)
    assert [worker.process.is_alive() for worker in pool._workers] == [False, False]


def test_a_process_that_cannot_be_started_leaves_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []
    context = get_context("spawn")
    pipe = context.Pipe

    def noted() -> Any:
        made.extend(pipe())
        return made

    def refused(process: Any) -> None:
        raise BlockingIOError("too many processes")

    monkeypatch.setattr(context, "Pipe", noted)
    monkeypatch.setattr(context.Process, "start", refused)
    with pytest.raises(BlockingIOError) as failed:
        choose("processes", jobs=1).run([fail], print, monitor=Monitor())
    assert failed and [end.closed for end in made] == [True, True]


@pytest.mark.parametrize("error", [MemoryError, EOFError])
def test_a_process_that_hears_no_more_ends(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deaf:
        def recv_bytes(self) -> bytes:
            raise error

    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit, match="1"):
        processes._hear(Deaf(), SimpleQueue(), threading.Event())  # type: ignore[arg-type]


def test_what_pickle_cannot_take_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    executor, held = choose("processes", jobs=1), threading.Lock()
    _, found, errors = run(executor, [lock, partial(double, 1), lambda context: held])
    assert found == {1: 2}
    assert str(errors[0]).startswith("the result must be picklable, got a lock")
    assert "<lambda> must be picklable for other processes: " in str(errors[2])
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    _, _, errors = run(executor, [lambda context: 1])
    assert str(errors[0]).endswith("(install cloudpickle, or use the executor threads)")


def test_cloudpickle_takes_what_pickle_does_not() -> None:
    pytest.importorskip("cloudpickle")
    call = unpacked(packed(lambda context: "a lambda's"))
    assert call(Context()) == "a lambda's"


@contextlib.contextmanager
def script(
    text: str, tmp_path: Path, *arguments: str, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """Run a script, for a minute at most."""
    path = tmp_path / "script.py"
    path.write_text(text)
    with subprocess.Popen(
        [sys.executable, str(path), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    ) as child:  # fmt: skip
        watchdog = threading.Timer(60, child.kill)
        watchdog.start()
        try:
            yield child
        finally:
            watchdog.cancel()
            child.kill()


def test_a_script_without_its_guard_is_told_so(tmp_path: Path) -> None:
    text = (
        "from uwm.experiments.executors import choose\n"
        "from uwm.experiments.progress import Monitor\n"
        "print(choose('processes', jobs=1).run([print], print, monitor=Monitor()))\n"
    )
    with script(text, tmp_path) as child:
        _, error = child.communicate()
    assert '__name__ == "__main__":' in error.splitlines()[-1]


STUDY = """
import os, sys, time
from functools import partial
from uwm.experiments.cells import Context
from uwm.experiments.executors import choose
from uwm.experiments.progress import Monitor, Progress, WaitingWarning
from uwm.experiments.stopping import sigterm_as_ctrl_c

def slow(k, context):
    for step in range(1000):
        if not context.tell(Progress("slow", k, step, 1000)):
            return "stopped"
        time.sleep(0.01)

if __name__ == "__main__":
    # One write: the lines of two threads would run into each other.
    begun = lambda event: os.write(1, b"begun\\n") if event.step == 1 else None
    with sigterm_as_ctrl_c() as ending:
        stopped = choose(sys.argv[1], jobs=2).run(
            [partial(slow, k) for k in range(4)],
            lambda k, result: print(k, result, flush=True),
            monitor=Monitor(begun),
        )
    sys.exit(ending.exit_code if stopped else 0)
"""


@pytest.mark.parametrize(
    ("name", "sent"), [("threads", signal.SIGINT), ("processes", signal.SIGTERM)]
)
def test_signals_end_the_calls_in_order(name: str, sent: signal.Signals, tmp_path: Path) -> None:
    with script(STUDY, tmp_path, name, start_new_session=True) as study:
        assert study.stdout is not None
        assert study.stdout.readline() == "begun\n"
        os.killpg(study.pid, sent)  # as a terminal and a scheduler do: to the workers, too
        out, error = study.communicate()
    assert study.returncode == 128 + sent, error
    assert sorted(out.replace("begun\n", "").splitlines()) in (
        ["0 stopped", "1 stopped"], ["0 stopped"], ["1 stopped"],
    ), out + error  # fmt: skip
    assert not error


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    with script(STUDY, tmp_path, "processes") as study:
        assert study.stdout is not None
        study.stdout.readline()
        study.kill()
        study.communicate(timeout=30)  # the workers hold its output open until they end


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("process", "did you mean processes?"),
        (3, "executor must be one of threads, processes.* got 3"),
    ],
)
def test_wrong_names(spec: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        choose(spec)


@pytest.mark.parametrize("where", ["nowhere", "127.0.0.1:1", "none.json"])
def test_a_scheduler_that_does_not_answer(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("uwm.experiments.executors.dask.ANSWER", 0.1)
    with pytest.raises(ConnectionError, match=f"must name a Dask scheduler.* got dask={where}"):
        run(choose(f"dask={where}"), [partial(double, 1)])
    # A client that the garbage collector closes can wait for ever for a lock of Dask's.
    clients = [each for each in gc.get_objects() if type(each) is distributed.Client]
    assert all(client.status == "closed" for client in clients)


def test_what_dask_has_opened_is_closed_when_no_pool_comes_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[str] = []

    class Gone:
        def subscribe_topic(self, *topic: Any) -> None:
            raise OSError("the scheduler has gone")

    def opened(where: Any, jobs: Any, stack: Any) -> Gone:
        stack.callback(closed.append, "cluster")
        return Gone()

    monkeypatch.setattr(dask, "_client", opened)
    with pytest.raises(ConnectionError, match="no longer answers: the scheduler has gone"):
        run(choose("dask", jobs=1), [partial(double, 1)])
    assert closed == ["cluster"]


def test_ctrl_c_while_dask_starts_leaves_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    ended: list[str] = []

    class Cluster:
        def __init__(self, **options: Any) -> None:
            signal.raise_signal(signal.SIGINT)
            ended.append("started")

        def __enter__(self) -> Cluster:
            return self

        def __exit__(self, *error: object) -> None:
            ended.append("closed")

    monkeypatch.setattr(distributed, "LocalCluster", Cluster)
    with pytest.raises(KeyboardInterrupt):
        run(choose("dask", jobs=1), [partial(double, 1)])
    assert ended == ["started", "closed"]


def test_mpi_is_told_how_to_start() -> None:
    try:
        import mpi4py.MPI  # noqa: F401
    except (ImportError, RuntimeError):
        words, kind = "needs mpi4py and an MPI", ImportError
    else:
        words, kind = "must be started by mpiexec", RuntimeError
    with pytest.raises(kind, match=words):
        run(choose("mpi"), [partial(double, 1)])
