"""Scores: how many bits a model needs for texts; and how far models are from a first one."""
from __future__ import annotations

import ctypes
import math
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence, Tuple, TypeVar, Union

from . import _abi
from ._call import (
    Interval, Job, Path, call, create, drain, member, optional_bytes, plain, structure, text_bytes, value_of,
)
from ._library import lib
from ._model import ModelOrPath, opened

T = TypeVar("T")
Text = Union[str, bytes]


@dataclass(frozen=True)
class Corpus:
    """Files, as cril/corpus.h reads them: JSON Lines, CSV or text, compressed or not; a folder of them."""

    path: Path
    field: str | None = None  # JSON key or CSV column of the text; None: "content"
    prompt_field: str | None = None  # of what stands before it; None: nothing does
    format: str | None = None  # "jsonl", "csv", "text"; None: by its name
    strict: bool = False  # a bad line is an error
    limit: int = 0  # documents; 0: all


# A path, or texts, or pairs of a prompt and the text that is scored behind it.
Source = Union[Corpus, Path, Iterable[Text], Iterable[Tuple[Text, Text]]]


@dataclass(frozen=True)
class ScoreProgress:
    fraction: float  # of the corpus; below 0: not known
    scored_tokens: int
    forward_tokens: int
    seconds: float
    bpc: float  # of the documents that are finished; 0 before the first


@dataclass(frozen=True)
class DocumentScore:
    """One document. Behind a prompt, all but token_ids is of the text alone."""

    index: int
    line: int  # in its file, from 1; 0: it has none
    nats: float
    tokens: int
    scored_tokens: int
    characters: int
    bytes: int
    unspelled_characters: int
    escape_bytes: int
    token_ids: int  # a hash

    @property
    def bits(self) -> float:
        return self.nats / math.log(2)

    @property
    def bpc(self) -> float:
        return self.bits / self.characters if self.characters else math.nan


@dataclass(frozen=True)
class Likely:
    """An id that might stand at a token's place."""

    id: int
    nats: float
    text: str

    @property
    def bits(self) -> float:
        return self.nats / math.log(2)


@dataclass(frozen=True)
class TokenScore:
    """One scored token."""

    document: int
    position: int
    id: int
    nats: float
    text: str  # that it stands for; part of a character is U+FFFD
    # None and no ids where no pass has predicted the token, or with details=False:
    rank: int | None = None  # among all ids, 1 the most likely; of equals the lowest id first
    entropy: float | None = None  # of all ids, nats
    deviation: float | None = None  # standard deviation of ln p over all ids, nats
    likely: list[Likely] = field(default_factory=list, repr=False)  # the most likely ids, by rank

    @property
    def bits(self) -> float:
        return self.nats / math.log(2)


@dataclass(frozen=True)
class Baseline:
    """What an ordinary compressor makes of the text."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Result:
    """Of one model on one corpus: cril_result of cril/score.h."""

    bpc: float  # bits per character
    bpb: float  # bits per byte
    bits: float
    bits_per_token: float
    perplexity: float
    nats: float
    tokens: int
    scored_tokens: int
    forward_tokens: int
    characters: int
    bytes: int
    unspelled_characters: int
    unspelled_documents: int
    escape_bytes: int
    interval: Interval | None  # of bpc; None: of fewer than 2 documents
    protocol: str
    context: int
    stride: int
    beyond_context: bool
    model_name: str
    model_architecture: str
    model_path: str
    model_types: str
    model_sha256: str
    model_parameters: int
    model_bytes: int
    corpus_path: str
    corpus_sha256: str
    version: str
    numerics: int
    rules: int
    seconds: float
    documents: list[DocumentScore] = field(repr=False)
    baselines: list[Baseline]


# ---- Corpora ----


def pairs_of(texts: Iterable[Any], prompts: bool) -> Iterator[tuple[bytes, bytes]]:
    """Prompt and text of each."""
    for item in texts:
        if isinstance(item, tuple) != prompts or not isinstance(item, (str, bytes, tuple)):
            raise TypeError("a corpus has texts, or pairs (prompt, text), and not both")
        if isinstance(item, tuple):
            prompt, text = item
            yield text_bytes(prompt), text_bytes(text)
        else:
            yield b"", text_bytes(item)


def address_of(data: bytes) -> Any:
    """Valid as long as data is."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)


class Texts:
    """A source of documents, which are asked for in the caller's thread."""

    def __init__(self, texts: Iterable[Any], job: Job[Any]) -> None:
        items: Iterator[Any] = job.ask(lambda: iter(texts))
        first = job.ask(lambda: next(items, None))
        self.prompts = isinstance(first, tuple)
        self._job = job
        self._pairs = pairs_of(self._all(first, items), self.prompts)
        self._kept: tuple[bytes, bytes] | None = None  # the library reads it until the next one
        self.structure = structure(
            _abi.cril_corpus_source,
            next=job.callback(member(_abi.cril_corpus_source, "next"), self._next),
            prompts=self.prompts,
        )

    @staticmethod
    def _all(first: Any, items: Iterator[Any]) -> Iterator[Any]:
        if first is not None:
            yield first
            yield from items

    def _next(self, _user: Any, document: Any) -> int:
        self._kept = self._job.ask(lambda: next(self._pairs, None))
        if self._kept:
            d, (prompt, text) = document.contents, self._kept
            d.text, d.len_bytes = address_of(text), len(text)
            d.prompt, d.prompt_bytes = address_of(prompt), len(prompt)
        return 0


@contextmanager
def opened_corpus(source: Source, job: Job[Any]) -> Iterator[tuple[Any, bytes]]:
    """The pointer of a corpus, and its name."""
    if isinstance(source, (str, os.PathLike)):
        source = Corpus(source)
    arguments: list[Any]
    if isinstance(source, Corpus):
        name = os.fsencode(source.path)
        options = structure(
            _abi.cril_corpus_options,
            field=optional_bytes(source.field),
            prompt_field=optional_bytes(source.prompt_field),
            format=optional_bytes(source.format),
            strict=source.strict,
            limit=source.limit,
        )
        function, arguments = "cril_corpus_open", [name, ctypes.byref(options)]
    else:
        name, texts = b"memory", Texts(source, job)  # texts live as long as the corpus
        function, arguments = "cril_corpus_create", [ctypes.byref(texts.structure)]
    handle = create("corpus", _abi.cril_corpus, "cril_corpus_close", function, *arguments)
    try:
        with handle as pointer:
            yield pointer, name
    finally:
        handle.close()


# ---- Scores ----


def make_result(r: Any) -> Result:
    at = ctypes.byref(r)
    return plain(
        Result,
        r,
        bpc=lib.cril_result_bpc(at),
        bpb=lib.cril_result_bpb(at),
        bits=lib.cril_result_bits(at),
        bits_per_token=lib.cril_result_bits_per_token(at),
        perplexity=lib.cril_result_perplexity(at),
        documents=[plain(DocumentScore, d) for d in r.per_document[: r.documents]],
        baselines=[plain(Baseline, b) for b in r.baselines[: r.n_baselines]],
    )


def piece_of(model: Any, id: int) -> bytes:
    n = ctypes.c_size_t()
    address = lib.cril_tokenizer_piece(lib.cril_model_tokenizer(model), id, ctypes.byref(n))
    return ctypes.string_at(address, n.value) if address else b""


def make_token(model: Any, t: Any) -> TokenScore:
    def text_of(id: int) -> str:
        return piece_of(model, id).decode("utf-8", "replace")

    d = t.details.contents if t.details else None
    return plain(
        TokenScore,
        t,
        text=text_of(t.id),
        rank=d.rank if d else None,
        entropy=d.entropy if d else None,
        deviation=d.deviation if d else None,
        likely=[plain(Likely, x, text=text_of(x.id)) for x in d.likely[: d.n_likely]] if d else [],
    )


def score_options(**options: Any) -> Any:
    protocol = options.pop("protocol", None)
    return structure(_abi.cril_score_options, protocol=optional_bytes(protocol), **options)


def callbacks_of(job: Job[Any], model: Any, wanted: type) -> Any:
    """That post what is wanted: progress, documents or tokens."""
    kind = _abi.cril_score_callbacks

    def on_progress(_user: Any, p: Any) -> int:
        return job.offer(plain(ScoreProgress, p.contents)) if wanted is ScoreProgress else int(job.stopping)

    def on_document(_user: Any, d: Any) -> int:
        return job.post(plain(DocumentScore, d.contents))

    def on_token(_user: Any, t: Any) -> int:
        return job.post(make_token(model, t.contents))

    members: dict[str, Callable[..., int]] = {"on_progress": on_progress}
    if wanted is DocumentScore:
        members["on_document"] = on_document
    if wanted is TokenScore:
        members["on_token"] = on_token
    return kind(**{n: job.callback(member(kind, n), f) for n, f in members.items()})


class Scores(Iterator[T]):
    """Documents or tokens while they are scored; `result` once all were taken. close() stops the work, as does the end of a loop."""

    def __init__(self, model: ModelOrPath, source: Source, wanted: type[T], options: dict[str, Any]) -> None:
        found: list[Result] = []  # work knows this list and not self, so that who forgets the iterator ends the work

        def work(job: Job[T]) -> None:
            with opened(model) as m, opened_corpus(source, job) as (corpus, name):
                scorer = create(
                    "scorer", _abi.cril_scorer, "cril_scorer_free", "cril_scorer_create", m, ctypes.byref(score_options(**options))
                )
                try:
                    found.append(run(job, m, scorer, corpus, name, wanted))
                finally:
                    scorer.close()

        self._found = found
        self._reports = iter(Job(work))

    @property
    def result(self) -> Result | None:
        return self._found[0] if self._found else None

    def __next__(self) -> T:
        return next(self._reports)

    def close(self) -> None:
        self._reports.close()  # type: ignore[attr-defined]


def run(job: Job[Any], model: Any, scorer: Any, corpus: Any, name: bytes, wanted: type) -> Result:
    callbacks, result = callbacks_of(job, model, wanted), _abi.cril_result()
    with scorer as s:
        call("cril_score_corpus", s, corpus, name, ctypes.byref(callbacks), ctypes.byref(result))
    try:
        return make_result(result)
    finally:
        lib.cril_result_free(ctypes.byref(result))


def score(
    model: ModelOrPath, corpus: Source, *, progress: Callable[[ScoreProgress], object] | None = None, **options: Any
) -> Result:
    """Bits per character and all else of a model on a corpus.

    options: protocol ("document"), context, stride, threads, batch_tokens, memory_bytes, level, resamples, seed, baselines, as
    cril_score_options of cril/score.h has them.
    """
    scores = Scores(model, corpus, ScoreProgress, options)
    for p in scores:
        if progress:
            progress(p)
    assert scores.result
    return scores.result


def score_documents(model: ModelOrPath, corpus: Source, **options: Any) -> Scores[DocumentScore]:
    """The documents as they are finished, DocumentScore each."""
    return Scores(model, corpus, DocumentScore, options)


def score_tokens(model: ModelOrPath, corpus: Source, **options: Any) -> Scores[TokenScore]:
    """The tokens in the order of the text, TokenScore each, with ranks, entropies and most likely ids unless details is False."""
    options.setdefault("details", True)
    return Scores(model, corpus, TokenScore, options)


def protocols() -> dict[str, str]:
    """Names and what they are."""
    found: dict[str, str] = {}
    while (name := lib.cril_protocol_name(len(found))) is not None:
        found[name.decode()] = lib.cril_protocol_summary(len(found)).decode()
    return found


# ---- Divergence ----


@dataclass(frozen=True)
class DivergingToken:
    """One of the tokens that differ most."""

    corpus: str
    document: int
    position: int
    id: int
    kl: float
    nats: float
    nats_base: float
    before: str
    text: str
    after: str


@dataclass(frozen=True)
class Divergence:
    """A model beside the base: cril_divergence_figures of cril/diverge.h. Natural logarithms."""

    model: str
    base: str
    corpus: str | None  # None: all of them
    documents: int
    tokens: int
    characters: int
    bpc: float
    bpc_base: float
    mean_kl: float
    mean_dp: float
    rms_dp: float
    same_top: float
    ln_ppl: float
    ln_ppl_base: float
    ln_ppl_ratio: float
    ppl: float
    ppl_base: float
    ppl_ratio: float
    correlation: float
    mean_kl_interval: Interval | None
    mean_dp_interval: Interval | None
    rms_dp_interval: Interval | None
    same_top_interval: Interval | None
    ln_ppl_ratio_interval: Interval | None
    ppl_interval: Interval | None
    ppl_base_interval: Interval | None
    ppl_ratio_interval: Interval | None
    kl: dict[str, float]  # percentiles, "min", "0.1" .. "99.9", "max"
    dp: dict[str, float]
    position_tokens: list[int]  # with 2^i .. 2^(i+1) - 1 tokens before them in their window
    position_kl: list[float]
    worst: list[DivergingToken] = field(repr=False)


def percentiles(values: Any) -> dict[str, float]:
    return {lib.cril_percentile_name(i).decode(): v for i, v in enumerate(values)}


def spell(model: Any, ids: Iterable[int]) -> str:
    return b"".join(piece_of(model, id) for id in ids).decode("utf-8", "replace")


def worst_tokens(diverger: Any, base: Any, model: int, names: Sequence[str]) -> list[DivergingToken]:
    n = ctypes.c_size_t()
    found = lib.cril_diverge_worst(diverger, model, ctypes.byref(n))
    tokens = []
    for t in found[: n.value]:
        ids, at = list(t.window), t.n_before
        tokens.append(
            plain(
                DivergingToken,
                t,
                corpus=names[t.corpus],
                before=spell(base, ids[:at]),
                text=spell(base, [ids[at]]),
                after=spell(base, ids[at + 1 : at + 1 + t.n_after]),
            )
        )
    return tokens


def figures(diverger: Any, models: Sequence[Any], model: int, corpus: int | None, names: Sequence[str]) -> Divergence:
    f = _abi.cril_divergence_figures()
    whole = ctypes.c_size_t(-1).value
    call("cril_diverge_figures", diverger, model, whole if corpus is None else corpus, ctypes.byref(f))
    worst = [t for t in worst_tokens(diverger, models[0], model, names) if corpus is None or t.corpus == names[corpus]]
    return plain(
        Divergence,
        f,
        model=value_of(lib.cril_model_name(models[model])),
        base=value_of(lib.cril_model_name(models[0])),
        corpus=None if corpus is None else names[corpus],
        kl=percentiles(f.kl),
        dp=percentiles(f.dp),
        worst=worst,
    )


def diverge_all(job: Job[Any], models: Sequence[Any], corpora: Mapping[str, Source], options: Any) -> list[Divergence]:
    pointers = (ctypes.POINTER(_abi.cril_model) * len(models))(*models)
    handle = create(
        "diverger", _abi.cril_diverger, "cril_diverger_free", "cril_diverger_create", pointers, len(models), ctypes.byref(options)
    )
    try:
        with handle as d:
            for source in corpora.values():
                base, callbacks = _abi.cril_result(), callbacks_of(job, models[0], ScoreProgress)
                with opened_corpus(source, job) as (corpus, name):
                    call("cril_diverge_corpus", d, corpus, name, ctypes.byref(callbacks), ctypes.byref(base))
                lib.cril_result_free(ctypes.byref(base))
            names = list(corpora)
            which: list[int | None] = [*range(len(names)), None]
            return [figures(d, models, m, c, names) for m in range(1, len(models)) for c in (which if len(names) > 1 else [None])]
    finally:
        handle.close()


def diverge(
    models: Sequence[ModelOrPath],
    corpus: Source | Mapping[str, Source],
    *,
    progress: Callable[[ScoreProgress], object] | None = None,
    **options: Any,
) -> list[Divergence]:
    """Each model beside the first, the base, on the same windows; of several corpora by name, each and all of them.

    options: those of score, but baselines.
    """
    corpora = corpus if isinstance(corpus, Mapping) else {"corpus": corpus}
    found: list[Divergence] = []

    def work(job: Job[Any]) -> None:
        with ExitStack() as stack:
            pointers = [stack.enter_context(opened(m)) for m in models]
            found.extend(diverge_all(job, pointers, corpora, score_options(**options)))

    drain(Job(work), progress)
    return found
