"""Lossless compression by a model: .cril archives (cril/codec.h)."""
from __future__ import annotations

import ctypes
import os
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Tuple, Union

from . import _abi
from ._call import Handle, Job, Path, call, create, drain, member, plain, structure, text_bytes
from ._library import lib
from ._model import ModelOrPath, opened

SEGMENT_BYTES = 16 << 10


@dataclass(frozen=True)
class CodecProgress:
    fraction: float  # of the work; below 0: not known
    original_bytes: int  # of finished segments
    archive_bytes: int
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Archive:
    """What an archive says of itself."""

    version: int
    numerics: int
    rules: int
    model_sha256: str
    protocol: str
    context: int
    stride: int
    segments: int
    original_bytes: int
    archive_bytes: int
    tokens: int


def codec_callbacks(job: Job[Any], write: Callable[[bytes], object], wants_progress: bool) -> Any:
    kind = _abi.cril_codec_callbacks

    def on_write(_user: Any, data: Any, n: int) -> None:
        write(ctypes.string_at(data, n))

    def on_progress(_user: Any, totals: Any, fraction: float) -> int:
        if not wants_progress:
            return int(job.stopping)
        return job.offer(plain(CodecProgress, totals.contents, fraction=fraction))

    return kind(write=job.callback(member(kind, "write"), on_write), progress=job.callback(member(kind, "progress"), on_progress))


def compress(
    model: ModelOrPath,
    text: str | bytes,
    *,
    segment_bytes: int = SEGMENT_BYTES,
    progress: Callable[[CodecProgress], object] | None = None,
    **options: Any,
) -> bytes:
    """An archive of the text. options: context, stride, threads, batch_tokens, memory_bytes."""
    data, pieces = text_bytes(text), list[bytes]()
    if segment_bytes < 1:
        raise ValueError("a segment has at least one byte")

    def work(job: Job[CodecProgress]) -> None:
        callbacks = codec_callbacks(job, pieces.append, progress is not None)
        settings = structure(_abi.cril_compress_options, text_bytes=len(data), **options)
        with opened(model) as m:
            compressor = create(
                "compressor", _abi.cril_compressor, "cril_compressor_free", "cril_compressor_create",
                m, ctypes.byref(settings), ctypes.byref(callbacks),
            )
            with closing(compressor), compressor as c:
                for segment in cut(data, segment_bytes):
                    call("cril_compressor_add", c, segment, len(segment))
                call("cril_compressor_finish", c)

    drain(Job(work), progress)
    return b"".join(pieces)


def cut(data: bytes, target: int) -> Iterator[bytes]:
    at = 0
    while len(data) - at > target:
        n = lib.cril_segment_cut(data[at : at + target + 1], target + 1, target)
        yield data[at : at + n]
        at += n
    if at < len(data):
        yield data[at:]


ArchiveData = Union[bytes, Path]  # its bytes, or where the file is


def open_archive(archive: ArchiveData) -> Tuple[Handle, Any]:
    """The archive, and what must outlive it."""
    kind, free = _abi.cril_archive, "cril_archive_close"
    if isinstance(archive, bytes):
        data = ctypes.create_string_buffer(archive, len(archive) or 1)
        return create("archive", kind, free, "cril_archive_read", data, len(archive), b"archive"), data
    return create("archive", kind, free, "cril_archive_open", os.fsencode(archive)), None


def inspect(archive: ArchiveData) -> Archive:
    handle, _data = open_archive(archive)
    with closing(handle), handle as a:
        return plain(Archive, lib.cril_archive_info_of(a).contents)


def run_decompression(
    job: Job[Any], model: ModelOrPath, archive: ArchiveData, write: Callable[[bytes], object], progress: bool, options: dict[str, Any]
) -> None:
    callbacks = codec_callbacks(job, write, progress)
    start, end = options.pop("range", (0, 0))
    settings = structure(_abi.cril_decompress_options, to=end, **{"from": start}, **options)
    handle, _data = open_archive(archive)
    with closing(handle), handle as a, opened(model) as m:
        call("cril_decompress", m, a, ctypes.byref(settings), ctypes.byref(callbacks), None)


def decompress(
    model: ModelOrPath,
    archive: ArchiveData,
    *,
    progress: Callable[[CodecProgress], object] | None = None,
    **options: Any,
) -> bytes:
    """The text of an archive. options: range (from, to) in bytes, threads, streams, memory_bytes."""
    pieces: list[bytes] = []
    drain(Job(lambda job: run_decompression(job, model, archive, pieces.append, progress is not None, options)), progress)
    return b"".join(pieces)


def decompress_segments(model: ModelOrPath, archive: ArchiveData, **options: Any) -> Iterator[bytes]:
    """The text piece by piece, each as soon as its checksum was found right."""
    job: Job[bytes] = Job(lambda j: run_decompression(j, model, archive, j.post, False, options))
    yield from job
