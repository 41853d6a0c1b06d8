"""Studies: models x corpora x benchmarks, and the line through them (cril/study.h)."""
from __future__ import annotations

import ctypes
import os
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Iterator

from . import _abi
from ._call import Interval, Job, Path, call, create, drain, member, plain, structure, value_of
from ._library import lib

ORIGINS = {_abi.CRIL_ORIGIN_NONE: "none", _abi.CRIL_ORIGIN_MEASURED: "measured", _abi.CRIL_ORIGIN_IMPORTED: "imported"}


@dataclass(frozen=True)
class StudyModel:
    name: str
    family: str
    path: str | None  # None: figures are imported only
    base: str | None  # the model from which this one's divergence is measured


@dataclass(frozen=True)
class StudyCorpus:
    name: str
    group: str
    path: str | None


@dataclass(frozen=True)
class StudyBenchmark:
    name: str
    group: str
    task: str | None
    metric: str | None
    data: str | None
    protocol: str | None
    limit: int


@dataclass(frozen=True)
class StudyProtocol:
    name: str
    context: int  # 0: the protocol's own
    stride: int


@dataclass(frozen=True)
class Cell:
    """What is known of a model on a corpus (bits per character) or benchmark (a share of 1)."""

    model: str
    of: str
    is_benchmark: bool
    value: float  # NaN: nothing is known
    se: float  # standard error; NaN: not known
    origin: str  # "none", "measured", "imported"
    source: str
    out_of_date: str | None  # why what was measured is no longer of the study


@dataclass(frozen=True)
class StudyDivergence:
    """How far a model is from its base on a corpus (doc/diverge.md)."""

    model: str
    base: str
    corpus: str
    documents: int
    tokens: int
    mean_kl: float
    same_top: float
    ln_ppl_ratio: float
    mean_kl_interval: Interval | None  # None: fewer than 2 documents have tokens


@dataclass(frozen=True)
class Estimate:
    value: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """A model beside a line."""

    model: str
    x: float
    y: float
    fitted: float
    residual: float
    leverage: float
    external: float  # residual in standard errors
    flagged: bool  # it lies off the line


@dataclass(frozen=True)
class Line:
    """Benchmark score on bits per character; doc/fit.md defines the figures."""

    name: str
    x: str
    y: str
    n: int
    pearson: float
    pearson_low: float
    pearson_high: float
    p_value: float
    spearman: float
    r_squared: float
    rmse: float
    residual_se: float
    slope: Estimate
    intercept: Estimate
    points: list[Point]


@dataclass(frozen=True)
class StudyProgress:
    phase: str
    model: str | None
    corpus: str | None
    protocol: str | None
    cells: int
    cells_done: int
    fraction: float  # below 0: not known yet
    seconds: float
    seconds_left: float
    forward_tokens: int
    bpc: float


@dataclass(frozen=True)
class StudyTotals:
    cells: int
    cells_before: int
    documents: int
    scored_tokens: int
    forward_tokens: int
    items: int
    seconds: float


class Study:
    """A study file, and what is known of it. Iterating gives the cells by its first protocol."""

    def __init__(self, path: Path) -> None:
        self._handle = create("study", _abi.cril_study, "cril_study_close", "cril_study_load", os.fsencode(path))

    def close(self) -> None:
        self._handle.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _info(self) -> Iterator[Any]:
        with self._handle as s:
            yield lib.cril_study_info_of(s).contents

    def _list(self, kind: Any, name: str) -> list[Any]:
        with self._info() as info:
            return [plain(kind, x) for x in getattr(info, name)[: getattr(info, "n_" + name)]]

    @property
    def title(self) -> str:
        with self._info() as info:
            return str(value_of(info.title))

    @property
    def database(self) -> str:
        with self._info() as info:
            return str(value_of(info.database))

    @property
    def models(self) -> list[StudyModel]:
        return self._list(StudyModel, "models")

    @property
    def corpora(self) -> list[StudyCorpus]:
        return self._list(StudyCorpus, "corpora")

    @property
    def benchmarks(self) -> list[StudyBenchmark]:
        return self._list(StudyBenchmark, "benchmarks")

    @property
    def protocols(self) -> list[StudyProtocol]:
        return self._list(StudyProtocol, "protocols")

    # ---- Computing ----

    def run(
        self,
        *,
        progress: Callable[[StudyProgress], object] | None = None,
        note: Callable[[str], object] | None = None,
        **options: Any,
    ) -> StudyTotals:
        """Computes the cells that are not known. options: threads, batch_tokens, memory_bytes, shard, shards, baselines."""
        totals = _abi.cril_study_totals()

        def work(job: Job[Any]) -> None:
            settings, callbacks = structure(_abi.cril_study_run_options, **options), callbacks_of(job)
            with self._info() as info, opened_store(info) as store:
                call(
                    "cril_study_run", ctypes.byref(info), store, ctypes.byref(settings), ctypes.byref(callbacks), ctypes.byref(totals)
                )

        def report(r: StudyProgress | str) -> None:
            if isinstance(r, str):
                if note:
                    note(r)
            elif progress:
                progress(r)

        drain(Job(work), report)
        return plain(StudyTotals, totals)

    # ---- What is known ----

    @contextmanager
    def _table(self, protocol: str | None) -> Iterator[tuple[Any, Any]]:
        """The study's information and its table by a protocol of that name; None: the first."""
        table = _abi.cril_study_table()
        with self._info() as info, opened_store(info) as store:
            found = [p for p in info.protocols[: info.n_protocols] if protocol in (None, p.name.decode())]
            if not found:
                raise KeyError(protocol)
            call("cril_store_table", store, ctypes.byref(info), ctypes.byref(found[0]), ctypes.byref(table))
            try:
                yield info, table
            finally:
                lib.cril_study_table_free(ctypes.byref(table))

    def cells(self, protocol: str | None = None) -> Iterator[Cell]:
        """Of each model: its corpora, then its benchmarks."""
        with self._table(protocol) as (info, t):
            found = [
                plain(
                    Cell, k, model=value_of(info.models[m].name), of=value_of(of[i].name), is_benchmark=is_benchmark, origin=ORIGINS[k.origin]
                )
                for m in range(t.n_models)
                for of, known, n, is_benchmark in ((info.corpora, t.bpc, t.n_corpora, False), (info.benchmarks, t.score, t.n_benchmarks, True))
                for i in range(n)
                for k in (known[m * n + i],)
            ]  # fmt: skip
        yield from found

    def divergences(self, protocol: str | None = None) -> Iterator[StudyDivergence]:
        """Those that are known, of each model: its corpora."""
        with self._table(protocol) as (info, t):
            found = [
                plain(
                    StudyDivergence, d, model=value_of(info.models[m].name), base=value_of(info.models[m].base),
                    corpus=value_of(info.corpora[i].name),
                )
                for m in range(t.n_models)
                for i in range(t.n_corpora)
                for d in (t.divergence[m * t.n_corpora + i],)
                if d.tokens
            ]  # fmt: skip
        yield from found

    def __iter__(self) -> Iterator[Cell]:
        return self.cells()

    def lines(self, protocol: str | None = None, **options: Any) -> Iterator[Line]:
        """The study's fits. CrilError: figures of too few models are known. options: level, threshold, resamples, seed."""
        settings = structure(_abi.cril_study_line_options, **options)
        found = []
        with self._table(protocol) as (info, table):
            for f in info.fits[: info.n_fits]:
                line = _abi.cril_study_line()
                call(
                    "cril_study_line_fit", ctypes.byref(info), ctypes.byref(table), ctypes.byref(f), ctypes.byref(settings), ctypes.byref(line)
                )  # fmt: skip
                try:
                    found.append(make_line(info, f, line))
                finally:
                    lib.cril_study_line_free(ctypes.byref(line))
        yield from found


def make_line(info: Any, fit: Any, l: Any) -> Line:
    m = l.models
    points = [
        plain(Point, l.each[i], model=value_of(info.models[m.model[i]].name), x=m.x[i], y=m.y[i]) for i in range(m.n)
    ]
    return plain(
        Line, l.line, name=value_of(fit.name), x=value_of(fit.x), y=value_of(fit.y), points=points,
        slope=plain(Estimate, l.line.slope), intercept=plain(Estimate, l.line.intercept),
    )  # fmt: skip


@contextmanager
def opened_store(info: Any) -> Iterator[Any]:
    store = create("store", _abi.cril_store, "cril_store_close", "cril_store_open", info.database, None)
    with closing(store), store as s:
        yield s


def callbacks_of(job: Job[Any]) -> Any:
    kind = _abi.cril_study_callbacks
    functions: dict[str, Callable[..., Any]] = {
        "on_progress": lambda _user, p: job.offer(plain(StudyProgress, p.contents)),
        "on_note": lambda _user, sentence: job.post(os.fsdecode(sentence)),
    }
    return kind(**{n: job.callback(member(kind, n), f) for n, f in functions.items()})
