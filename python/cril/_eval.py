"""Benchmarks and requests (cril/eval.h)."""
from __future__ import annotations

import ctypes
import json
import os
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any, Callable

from . import _abi
from ._call import Job, Path, call, create, drain, member, optional_bytes, plain, structure
from ._library import lib
from ._model import ModelOrPath, opened

libc = ctypes.CDLL(None)
libc.open_memstream.restype = ctypes.c_void_p
libc.open_memstream.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_size_t)]
libc.fclose.argtypes = libc.free.argtypes = [ctypes.c_void_p]


@dataclass(frozen=True)
class EvalProgress:
    items: int
    done: int
    tokens: int
    generated: int
    fraction: float
    seconds: float


@dataclass(frozen=True)
class EvalScore:
    """Of a subject, or ("") of all; scores are shares of 1, NaN where there is none."""

    subject: str
    items: int
    scored: int
    errors: int
    unjudged: int
    cut: int
    score: float
    se: float
    bpb: float
    bpb_total: float
    gold_items: int


@dataclass(frozen=True)
class Evaluation:
    name: str
    protocol: str
    metric: str
    data_sha256: str
    score: float  # of all
    se: float
    scores: list[EvalScore]  # all first, then subjects by name
    items: list[dict[str, Any]] = field(repr=False)  # lines of "cril eval --items" (doc/eval.md)
    notes: list[str] = field(repr=False)


@dataclass(frozen=True)
class Task:
    name: str
    title: str
    group: str
    folder: str  # of its data, below that of all data
    has_subjects: bool
    runs_programs: bool


def tasks() -> list[Task]:
    found: list[Task] = []
    t = _abi.cril_eval_task()
    while lib.cril_eval_task_at(len(found), ctypes.byref(t)):
        found.append(plain(Task, t))
    return found


def open_eval(task: str | None, data: Path | None, task_file: Path | None, requests: Path | None, settings: Any) -> Any:
    given = [x is not None for x in (task, task_file, requests)]
    if sum(given) != 1 or (task is not None and data is None):
        raise TypeError("eval takes a task and the folder of all data, or a task_file, or requests")
    folder = os.fsencode(data) if data is not None else None
    name, arguments = (
        ("task", (task.encode(), folder)) if task is not None
        else ("task_file", (os.fsencode(task_file), folder)) if task_file is not None
        else ("requests", (os.fsencode(requests),))  # type: ignore[arg-type]
    )
    return create("evaluation", _abi.cril_eval, "cril_eval_close", f"cril_eval_open_{name}", *arguments, ctypes.byref(settings))


def read_items(e: Any) -> list[dict[str, Any]]:
    data, n = ctypes.c_void_p(), ctypes.c_size_t()
    f = libc.open_memstream(ctypes.byref(data), ctypes.byref(n))
    if not f:
        raise MemoryError
    try:
        call("cril_eval_write_items", e, f)
    finally:
        libc.fclose(f)
        lines = ctypes.string_at(data, n.value)
        libc.free(data)
    return [json.loads(line) for line in lines.splitlines()]


def callbacks_of(job: Job[EvalProgress], notes: list[str]) -> Any:
    kind = _abi.cril_eval_callbacks
    functions: dict[str, Callable[..., Any]] = {
        "on_progress": lambda _user, p: job.offer(plain(EvalProgress, p.contents)),
        "on_note": lambda _user, sentence: notes.append(os.fsdecode(sentence)),
    }
    return kind(**{n: job.callback(member(kind, n), f) for n, f in functions.items()})


def collect(e: Any, notes: list[str]) -> Evaluation:
    n = ctypes.c_size_t()
    found = lib.cril_eval_scores(e, ctypes.byref(n))
    scores = [plain(EvalScore, s) for s in found[: n.value]]
    texts = {k: os.fsdecode(getattr(lib, f"cril_eval_{f}")(e))
             for k, f in (("name", "name"), ("protocol", "protocol_name"), ("metric", "metric"), ("data_sha256", "data_sha256"))}
    return Evaluation(**texts, score=scores[0].score, se=scores[0].se, scores=scores, items=read_items(e), notes=notes)


def eval(
    model: ModelOrPath,
    task: str | None = None,
    data: Path | None = None,
    *,
    task_file: Path | None = None,
    requests: Path | None = None,
    protocol: str | None = None,
    draw: str | None = None,
    shots: int | None = None,
    window: int = 0,
    max_tokens: int = 0,
    limit: int = 0,
    python: str | None = None,
    progress: Callable[[EvalProgress], object] | None = None,
    **options: Any,
) -> Evaluation:
    """Runs a task on a model. A run that was stopped goes on where it was.

    python: runs programs of tasks that have some. options: threads, batch_tokens, streams, memory_bytes, special, no_bos, fresh.
    """
    settings = structure(
        _abi.cril_eval_settings, protocol=optional_bytes(protocol), draw=optional_bytes(draw), has_shots=shots is not None,
        shots=shots or 0, window=window, max_tokens=max_tokens, limit=limit,
    )  # fmt: skip
    found: list[Evaluation] = []
    notes: list[str] = []

    def work(job: Job[EvalProgress]) -> None:
        with ExitStack() as stack:
            evaluation = stack.enter_context(closing(open_eval(task, data, task_file, requests, settings)))
            e, m = stack.enter_context(evaluation), stack.enter_context(opened(model))
            if lib.cril_eval_runs_programs(e):
                programs = create("sandbox", _abi.cril_programs, "cril_programs_close", "cril_programs_open", optional_bytes(python))
                p = stack.enter_context(stack.enter_context(closing(programs)))
                call("cril_eval_check_programs", e, p)
                options["programs"] = p
            callbacks = callbacks_of(job, notes)
            call("cril_eval_run", e, m, ctypes.byref(structure(_abi.cril_eval_options, **options)), ctypes.byref(callbacks))
            found.append(collect(e, notes))
            lib.cril_eval_done(e)

    drain(Job(work), progress)
    return found[0]
