"""How functions of the library are called: statuses as exceptions, objects that are closed once, long calls in a thread.

A long call runs in a thread of its own, while the caller's waits for what it reports. So a signal such as Ctrl-C, and an exception in
a callback of the caller's, is raised where it belongs, at once; the call ends when the library next asks whether to go on.
"""
from __future__ import annotations

import atexit
import ctypes
import dataclasses
import os
import queue
import re
import threading
import time
import weakref
from enum import IntEnum
from typing import Any, Callable, Generic, Iterator, TypeVar, Union

from . import _abi
from ._library import lib

Path = Union[str, "os.PathLike[str]"]
T = TypeVar("T")
D = TypeVar("D")


class Status(IntEnum):
    """Why a call failed: cril_status of cril/status.h."""

    NOMEM = _abi.CRIL_ERR_NOMEM
    IO = _abi.CRIL_ERR_IO
    FORMAT = _abi.CRIL_ERR_FORMAT
    TRUNCATED = _abi.CRIL_ERR_TRUNCATED
    UNSUPPORTED = _abi.CRIL_ERR_UNSUPPORTED
    RANGE = _abi.CRIL_ERR_RANGE
    NUMERIC = _abi.CRIL_ERR_NUMERIC
    EMPTY = _abi.CRIL_ERR_EMPTY
    MISMATCH = _abi.CRIL_ERR_MISMATCH
    CANCELLED = _abi.CRIL_ERR_CANCELLED


class CrilError(Exception):
    """A call failed. str() is the library's sentence, which names the file, the thing and the remedy."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return self.message


def call(name: str, *arguments: Any) -> None:
    """A function that returns a cril_status and takes a cril_error last."""
    error = _abi.cril_error()
    status = getattr(lib, name)(*arguments, ctypes.byref(error))
    if status:
        raise CrilError(Status(status), error.message.decode("utf-8", "replace"))


# ---- Values ----


def text_bytes(text: str | bytes) -> bytes:
    """UTF-8; half a surrogate pair, which that cannot hold, is U+FFFD, as in JSON."""
    if isinstance(text, bytes):
        return text
    try:
        return text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text).encode()


def optional_bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def value_of(v: Any) -> Any:
    """Of a structure's field."""
    if isinstance(v, bytes):
        return os.fsdecode(v)
    if isinstance(v, _abi.cril_interval):
        return plain(Interval, v) if v.resamples else None
    if isinstance(v, ctypes.Array):
        return list(v)
    return v


def plain(kind: Callable[..., D], struct: Any, **given: Any) -> D:
    """A dataclass from the fields of the same names of a structure; others are given."""
    names = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    return kind(**{n: given[n] if n in given else value_of(getattr(struct, n)) for n in names})


def structure(kind: Any, **fields: Any) -> Any:
    """A structure; a negative number, which C would take for a huge one, is refused."""
    known = [f[0] for f in kind._fields_]
    for name, v in fields.items():
        if name not in known:
            raise TypeError(f"{name} is no option; there are {', '.join(known)}")
        if isinstance(v, int) and v < 0:
            raise ValueError(f"{name} is {v}; it must not be negative")
    return kind(**{n: v for n, v in fields.items() if v is not None})


@dataclasses.dataclass(frozen=True)
class Interval:
    """By bootstrap over documents (cril/stats.h)."""

    level: float
    low: float
    high: float
    resamples: int
    seed: int


# ---- Objects of the library ----


class Handle:
    """A pointer that is freed once: when it is closed and no call uses it any more."""

    def __init__(self, what: str, pointer: Any, free: str) -> None:
        self._what, self._pointer, self._free = what, pointer, free
        self._uses = 0
        self._closed = False
        self._lock = threading.RLock()

    def __enter__(self) -> Any:
        with self._lock:
            if self._closed:
                raise ValueError(f"the {self._what} is closed")
            self._uses += 1
            return self._pointer

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._uses -= 1
            self._free_unused()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._free_unused()

    def __del__(self) -> None:
        self.close()

    def _free_unused(self) -> None:
        if self._closed and not self._uses and self._pointer is not None:
            pointer, self._pointer = self._pointer, None
            getattr(lib, self._free)(pointer)


def create(what: str, kind: Any, free: str, function: str, *arguments: Any) -> Handle:
    """What a function leaves in its last argument."""
    out = ctypes.POINTER(kind)()
    call(function, *arguments, ctypes.byref(out))
    return Handle(what, out, free)


# ---- Long calls ----

MOST_WAITING = 4096  # reports that the caller has not taken yet
_running: weakref.WeakSet[Job[Any]] = weakref.WeakSet()


class Stopped(Exception):
    """Within a job: nobody waits for it any more."""


class _Asked:
    def __init__(self, question: Callable[[], Any]) -> None:
        self.question = question
        self.reply: queue.SimpleQueue[Any] = queue.SimpleQueue()


_DONE = object()


class Job(Generic[T]):
    """work(job) runs in a thread; what it posts comes out of iter(job), as does its exception. It runs while someone iterates."""

    def __init__(self, work: Callable[[Job[T]], None]) -> None:
        self._work = work
        self._reports: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="cril", daemon=True)
        self._error: BaseException | None = None
        self.stopping = False

    # In the thread

    def _run(self) -> None:
        try:
            self._work(self)
        except BaseException as e:  # noqa: B902 - raised in the caller's thread
            self._error = self._error or e
        self._reports.put(_DONE)

    def post(self, report: T) -> int:
        """Waits where the caller is slow. Not 0: the call is to stop."""
        while self._reports.qsize() >= MOST_WAITING and not self.stopping:
            time.sleep(0.002)
        self._reports.put(report)
        return int(self.stopping)

    def offer(self, report: T) -> int:
        """Drops the report where others wait."""
        if self._reports.qsize() < 16:
            self._reports.put(report)
        return int(self.stopping)

    def ask(self, question: Callable[[], Any]) -> Any:
        """What question() answers in the caller's thread."""
        asked = _Asked(question)
        self._reports.put(asked)
        while not self.stopping:
            try:
                return asked.reply.get(timeout=0.1)
            except queue.Empty:
                pass
        raise Stopped

    def callback(self, kind: Any, function: Callable[..., int | None]) -> Any:
        """A C function pointer. An exception stops the call and becomes the job's."""

        def guarded(*arguments: Any) -> int:
            try:
                return function(*arguments) or 0
            except BaseException as e:  # noqa: B902 - C has no exceptions
                self._error = self._error or e
                self.stopping = True
                return 1

        return kind(guarded)

    # In the caller's

    def __iter__(self) -> Iterator[T]:
        _running.add(self)
        self._thread.start()
        try:
            while (report := self._reports.get()) is not _DONE:
                if isinstance(report, _Asked):
                    report.reply.put(report.question())
                else:
                    yield report
        finally:
            self.cancel()
        if self._error:
            raise self._error

    def cancel(self) -> None:
        self.stopping = True
        self._thread.join()
        _running.discard(self)


@atexit.register
def _cancel_all() -> None:
    """An iterator that was left in the middle must not keep the program from ending."""
    for job in list(_running):
        job.cancel()


def member(struct: Any, name: str) -> Any:
    """The type of a structure's field."""
    return dict(struct._fields_)[name]


def drain(job: Job[T], progress: Callable[[T], object] | None) -> None:
    """Runs a job to its end; its reports are the progress."""
    for report in job:
        if progress:
            progress(report)
