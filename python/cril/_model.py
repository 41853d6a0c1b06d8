"""Models, tokenizers, and sessions: a model token by token."""
from __future__ import annotations

import ctypes
import os
import threading
from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator, Sequence, Union

from . import _abi
from ._call import Handle, Path, call, create, structure, text_bytes
from ._library import lib


@dataclass(frozen=True)
class Token:
    id: int
    piece: bytes  # that it stands for; a control token's name


class Tokenizer:
    """A model's tokenizer: of an open Model, or of a file or folder, which needs no weights."""

    def __init__(self, path: Path) -> None:
        self._model: Handle | None = None
        self._handle = create(
            "tokenizer", _abi.cril_tokenizer, "cril_tokenizer_free", "cril_tokenizer_open", os.fsencode(path)
        )

    @classmethod
    def _of_model(cls, model: Handle) -> Tokenizer:
        self = cls.__new__(cls)
        self._model = self._handle = model
        return self

    @contextmanager
    def _use(self) -> Iterator[Any]:
        with self._handle as pointer:
            yield lib.cril_model_tokenizer(pointer) if self._model else pointer

    def close(self) -> None:
        if not self._model:
            self._handle.close()

    def __enter__(self) -> Tokenizer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        with self._use() as t:
            return int(lib.cril_tokenizer_size(t))

    def _get(self, name: str) -> Any:
        with self._use() as t:
            return getattr(lib, f"cril_tokenizer_{name}")(t)

    @property
    def kind(self) -> str:
        return str(self._get("kind").decode())

    @property
    def bos(self) -> int | None:
        return None if (id := self._get("bos")) < 0 else int(id)

    @property
    def eos(self) -> int | None:
        return None if (id := self._get("eos")) < 0 else int(id)

    @property
    def adds_bos(self) -> bool:
        return bool(self._get("adds_bos"))

    @property
    def adds_eos(self) -> bool:
        return bool(self._get("adds_eos"))

    @property
    def warnings(self) -> list[str]:
        """What the file leaves open and cril had to guess."""
        with self._use() as t:
            return sentences(lib.cril_tokenizer_warning, t)

    def encode(self, text: str | bytes, *, special: bool = False, add_special: bool = False) -> list[int]:
        """Ids of a text. special: look-alikes of control tokens are those; add_special: with the BOS and EOS that it adds by itself."""
        data, ids = text_bytes(text), _abi.cril_ids()
        flags = special * _abi.CRIL_ENCODE_SPECIAL + add_special * _abi.CRIL_ENCODE_ADD_SPECIAL
        with self._use() as t:
            try:
                call("cril_tokenizer_encode", t, data, len(data), flags, ctypes.byref(ids))
                return list(ids.data[: ids.n])
            finally:
                lib.cril_ids_free(ctypes.byref(ids))

    def piece(self, id: int) -> bytes:
        """The bytes that a token stands for. IndexError: there is none of that id."""
        n = ctypes.c_size_t()
        with self._use() as t:
            address = lib.cril_tokenizer_piece(t, id, ctypes.byref(n)) if -(2**31) <= id < 2**31 else None
            if address is None:
                raise IndexError(f"token id {id} is outside the vocabulary")
            return ctypes.string_at(address, n.value)

    def decode(self, ids: Sequence[int]) -> bytes:
        """Their pieces, one after another."""
        return b"".join(self.piece(id) for id in ids)


class Model:
    """A GGUF file or a folder of Hugging Face's, opened: its weights are mapped. Any number of calls, in any threads, may share it."""

    def __init__(self, path: Path) -> None:
        self._handle = create("model", _abi.cril_model, "cril_model_close", "cril_model_open", os.fsencode(path))

    def close(self) -> None:
        """No call can use it afterwards; those at work, and sessions, go on."""
        self._handle.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<cril.Model {self.name!r}>" if not self._handle._closed else "<cril.Model, closed>"

    def _get(self, name: str) -> Any:
        with self._handle as m:
            v = getattr(lib, f"cril_model_{name}")(m)
        return os.fsdecode(v) if isinstance(v, bytes) else v

    @property
    def path(self) -> str:
        return str(self._get("path"))

    @property
    def name(self) -> str:
        return str(self._get("name"))

    @property
    def types(self) -> str:
        """Of its matrices, such as "Q4_K+Q6_K"."""
        return str(self._get("types"))

    @property
    def architecture(self) -> str:
        return str(self._get("architecture"))

    @property
    def parameters(self) -> int:
        return int(self._get("parameters"))

    @property
    def bytes(self) -> int:
        """Of its files."""
        return int(self._get("bytes"))

    @property
    def context(self) -> int:
        """Tokens of the longest window that it was trained for."""
        return int(self._get("context"))

    @property
    def max_window(self) -> int:
        """Of the longest that it can be given."""
        return int(self._get("max_window"))

    @property
    def logits(self) -> int:
        """Rows of its vocabulary matrix: ids are below it."""
        return int(self._get("logits"))

    @property
    def cannot_say(self) -> str | None:
        """What a file of this kind cannot say, though the publisher's model may have it."""
        v = self._get("cannot_say")
        return None if v is None else str(v)

    @property
    def warnings(self) -> list[str]:
        """What the file leaves open and cril had to guess."""
        with self._handle as m:
            return sentences(lib.cril_model_warning, m)

    def _hash(self, name: str) -> str:
        hex = ctypes.create_string_buffer(65)
        with self._handle as m:
            call(name, m, hex)
        return hex.value.decode()

    @property
    def sha256(self) -> str:
        """Of its files; read once, then kept."""
        return self._hash("cril_model_sha256")

    @property
    def identity(self) -> str:
        """SHA-256 of what decides over its probabilities."""
        return self._hash("cril_model_identity")

    @property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer._of_model(self._handle)

    def session(self, *, streams: int = 1, context: int = 0, threads: int = 0, memory_bytes: int = 0) -> Session:
        return Session(self, streams=streams, context=context, threads=threads, memory_bytes=memory_bytes)


ModelOrPath = Union[Model, Path]


@contextmanager
def opened(model: ModelOrPath) -> Iterator[Any]:
    """The pointer of a model, which a path opens for this call."""
    m = model if isinstance(model, Model) else Model(model)
    try:
        with m._handle as pointer:
            yield pointer
    finally:
        if m is not model:
            m.close()


def sentences(function: Any, of: Any) -> list[str]:
    found: list[str] = []
    while (s := function(of, len(found))) is not None:
        found.append(os.fsdecode(s))
    return found


def tokenize(
    model: ModelOrPath | Tokenizer, text: str | bytes, *, special: bool = False, add_special: bool = False
) -> Iterator[Token]:
    """The tokens of a text. A path needs no weights."""
    t = model if isinstance(model, Tokenizer) else model.tokenizer if isinstance(model, Model) else Tokenizer(model)
    for id in t.encode(text, special=special, add_special=add_special):
        yield Token(id, t.piece(id))


class Session:
    """Contexts that grow token by token: what may follow them, with the bits of a score (cril/session.h).

    A stream is a context; there are `streams` of them, and each method takes the number of one. One thread at a time works with it.
    """

    PIECE = 256  # tokens that go through the model between two looks at signals

    def __init__(
        self, model: Model, *, streams: int = 1, context: int = 0, threads: int = 0, memory_bytes: int = 0
    ) -> None:
        options = structure(
            _abi.cril_session_options, streams=streams, context=context, threads=threads, memory_bytes=memory_bytes
        )
        self._model = model._handle
        self._lock = threading.Lock()
        self._handle: Handle | None = None
        m = self._model.__enter__()  # the model outlives the session
        try:
            self._handle = create(
                "session", _abi.cril_session, "cril_session_free", "cril_session_create", m, ctypes.byref(options)
            )
        finally:
            if not self._handle:
                self._model.__exit__()

    def close(self) -> None:
        with self._lock:
            if self._handle and not self._handle._closed:
                self._handle.close()
                self._model.__exit__()

    def __del__(self) -> None:
        if hasattr(self, "_lock"):
            self.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _use(self) -> Iterator[Any]:
        assert self._handle
        with self._lock, self._handle as s:
            yield s

    @property
    def streams(self) -> int:
        with self._use() as s:
            return int(lib.cril_session_streams(s))

    @property
    def context(self) -> int:
        with self._use() as s:
            return int(lib.cril_session_context(s))

    def tokens(self, stream: int = 0) -> int:
        """How many it has."""
        with self._use() as s:
            return int(lib.cril_session_tokens(s, stream))

    def feed(self, ids: Sequence[int], stream: int = 0) -> None:
        """Tokens behind those that the stream has."""
        self.feed_all({stream: ids})

    def feed_all(self, ids: dict[int, Sequence[int]]) -> None:
        """Tokens of several streams, which go through the model together."""
        arrays = {s: (ctypes.c_int32 * len(v))(*v) for s, v in ids.items()}
        if not all(arrays.values()):
            raise ValueError("a stream is fed no token")
        for at in range(0, max(map(len, arrays.values()), default=0), self.PIECE):
            feeds = [
                _abi.cril_feed(s, ctypes.cast(ctypes.byref(a, 4 * at), ctypes.POINTER(ctypes.c_int32)), min(len(a) - at, self.PIECE))
                for s, a in arrays.items()
                if at < len(a)
            ]
            with self._use() as s:
                call("cril_session_feed", s, (_abi.cril_feed * len(feeds))(*feeds), len(feeds))

    def nats(self, ids: int | Sequence[int] | None = None, stream: int = 0) -> Any:
        """-ln p of a token that may follow: of an id a number, of several an array; None: of all, by id."""
        if isinstance(ids, int):
            return self.nats([ids], stream)[0]
        with self._use() as s:
            n = len(ids) if ids is not None else lib.cril_model_logits(self._model._pointer)
            out = (ctypes.c_double * n)()
            call("cril_session_nats", s, stream, (ctypes.c_int32 * n)(*ids) if ids is not None else None, n, out)
        return array("d", bytes(out))

    def logits(self, stream: int = 0) -> array[float]:
        """By id. ValueError: nothing was fed since the stream was emptied or went back."""
        with self._use() as s:
            found = lib.cril_session_logits(s, stream)
            if not found:
                raise ValueError(f"stream {stream} was fed no token, so nothing follows")
            return array("f", ctypes.string_at(found, 4 * lib.cril_model_logits(self._model._pointer)))

    def best(self, stream: int = 0) -> int:
        """The id of the largest logit, of equals the lowest."""
        logits = self.logits(stream)
        return logits.index(max(logits))

    def rewind(self, n: int, stream: int = 0) -> None:
        """Leaves the stream its first n tokens."""
        with self._use() as s:
            call("cril_session_rewind", s, stream, n)

    def fork(self, to: int, stream: int = 0) -> None:
        """Makes stream `to` what the stream is."""
        with self._use() as s:
            call("cril_session_fork", s, stream, to)

    def reset(self, stream: int = 0, length: int = 0) -> None:
        """Empties the stream, which gets `length` tokens at most; 0: the context."""
        with self._use() as s:
            call("cril_session_reset", s, stream, length)
