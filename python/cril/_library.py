"""The shared library beside this file, with the types of all its functions."""
from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from . import _abi

# What libcril.so is linked with, and the Debian packages that have it.
PACKAGES = {
    "libbrotlienc.so.1": "libbrotli1",
    "libbz2.so.1.0": "libbz2-1.0",
    "libcrypto.so.3": "libssl3",
    "libcurl.so.4": "libcurl4",
    "libexpat.so.1": "libexpat1",
    "libexttextcat-2.0.so.0": "libexttextcat-2.0-0",
    "libjansson.so.4": "libjansson4",
    "liblzma.so.5": "liblzma5",
    "libpcre2-8.so.0": "libpcre2-8-0",
    "libsqlite3.so.0": "libsqlite3-0",
    "libutf8proc.so.2": "libutf8proc2",
    "libyaml-0.so.2": "libyaml-0-2",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}


def missing_packages() -> list[str]:
    """Of the libraries that this machine does not have."""
    missing = []
    for name, package in PACKAGES.items():
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(package)
    return missing


def load(path: Path) -> Any:
    """CRIL_VERSION is checked, since structures differ between versions."""
    try:
        library = ctypes.CDLL(str(path))
    except OSError as e:
        missing = missing_packages()
        remedy = f"; install them: apt-get install {' '.join(missing)}" if missing else ""
        raise ImportError(f"cril needs its shared library and those that it is linked with: {e}{remedy}") from e
    for name, (result, arguments) in _abi.FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    version = library.cril_version().decode()
    if version != _abi.CRIL_VERSION:
        raise ImportError(f"{path} is of version {version}, this package of {_abi.CRIL_VERSION}: install both anew")
    return library


lib = load(Path(__file__).with_name("libcril.so.0"))
