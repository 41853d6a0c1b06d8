"""The C headers as ctypes: one Python module with every structure, constant and function that include/cril declares.

The headers are regular C without macros in their declarations, so a few expressions read them. What they read
is checked by a C compiler in tests/python.sh: sizes, offsets, and the type of every function.
"""
import re
import sys
from pathlib import Path

SCALARS = {
    "char": "c_char", "int": "c_int", "unsigned": "c_uint", "bool": "c_bool", "float": "c_float", "double": "c_double",
    "size_t": "c_size_t", "int32_t": "c_int32", "uint8_t": "c_uint8", "uint32_t": "c_uint32", "uint64_t": "c_uint64",
    "int64_t": "c_int64",
}
# Texts of any bytes: ctypes would cut a c_char_p at its first NUL.
ADDRESSES = {"cril_document.text", "cril_document.prompt", "cril_generation.text", "cril_tokenizer_piece"}


class Header:
    """Declarations in their order, as lines of Python."""

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.pointers: set[str] = set()  # typedefs of pointers to functions
        self.structs: dict[str, list[str]] = {}
        self.functions: dict[str, tuple[str, list[str]]] = {}
        self.lines: list[str] = []

    # ---- Types ----

    def named(self, words: str) -> str:
        """A type without pointers."""
        name = [w for w in words.split() if w not in ("const", "struct")][0]
        if name == "void":
            return "None"
        if name in SCALARS:
            return SCALARS[name]
        if name in self.types:
            return name
        return ""  # of others, such as FILE: an address

    def pointer(self, base: str, depth: int, where: str) -> str:
        if depth and (base in ("None", "") or where in ADDRESSES):
            base, depth = "c_void_p", depth - 1
        elif depth and base == "c_char":
            base, depth = "c_char_p", depth - 1
        return "POINTER(" * depth + base + ")" * depth

    def callback(self, result: str, arguments: str) -> str:
        return "CFUNCTYPE(" + ", ".join([result, *self.arguments(arguments)]) + ")"

    def declarator(self, base: str, text: str, where: str, is_argument: bool = False) -> "tuple[str, str]":
        """Name and type of what stands behind a base type: "*const *names", "hex[65]"."""
        m = re.fullmatch(r"((?:\*|const|\s)*)(\w*)\s*((?:\[[^\]]*\])*)", text.strip())
        if not m:
            raise SystemExit(f"abi: {where}: cannot read {text!r}")
        stars, name, sizes = m.group(1).count("*"), m.group(2), re.findall(r"\[([^\]]*)\]", m.group(3))
        if is_argument and sizes:
            return name, f"POINTER({base})" if base != "c_char" else "c_char_p"
        kind = self.pointer(base, stars, f"{where}.{name}" if name else where)
        for size in reversed(sizes):
            kind = f"({kind} * ({size}))"
        return name, kind

    def arguments(self, text: str) -> "list[str]":
        found = []
        for a in split(text, ","):
            a = a.strip()
            m = re.fullmatch(r"(.+?)\(\*\w*\)\((.*)\)", a, re.S)
            if a == "void":
                continue
            if m:
                found.append(self.callback(self.result(m.group(1)), m.group(2)))
                continue
            base, rest = self.base(a)
            found.append(self.declarator(base, rest, "", True)[1])
        return found

    def base(self, text: str) -> "tuple[str, str]":
        m = re.match(r"\s*((?:(?:const|struct)\s+)*\w+(?:\s+const\b)?)\s*(.*)", text, re.S)
        if not m:
            raise SystemExit(f"abi: cannot read {text!r}")
        return self.named(m.group(1)), m.group(2)

    def result(self, text: str, where: str = "") -> str:
        base, rest = self.base(text)
        return self.declarator(base, rest, where)[1]

    # ---- Declarations ----

    def enumerators(self, body: str) -> None:
        value = "-1"
        for e in split(body, ","):
            if e.strip():
                name, _, given = e.partition("=")
                value = given.strip() or f"{value} + 1"
                self.lines.append(f"{name.strip()} = {value}")
                value = name.strip()

    def fields(self, struct: str, body: str) -> "list[str]":
        found = []
        for f in split(body, ";"):
            nested = re.fullmatch(r"\s*struct\s*\{(.*)\}(.*)", f, re.S)
            call = re.fullmatch(r"\s*(.+?)\(\*(\w+)\)\((.*)\)\s*", f, re.S)
            if not f.strip():
                continue
            if call:
                found.append(f'("{call.group(2)}", {self.callback(self.result(call.group(1)), call.group(3))})')
                continue
            if nested:
                name = re.split(r"\W", nested.group(2).strip())[0]
                base, rest = f"{struct}_{name}", nested.group(2)
                self.struct(base, nested.group(1))
            else:
                base, rest = self.base(f)
            for d in split(rest, ","):
                name, kind = self.declarator(base, d, struct)
                found.append(f'("{name}", {kind})')
        return found

    def opaque(self, name: str) -> None:
        if name not in self.types:
            self.types.add(name)
            self.lines.append(f"class {name}(Structure): pass")

    def struct(self, name: str, body: str) -> None:
        self.opaque(name)
        self.structs[name] = self.fields(name, body)
        self.lines.append(f"{name}._fields_ = [{', '.join(self.structs[name])}]")

    def declare(self, text: str) -> None:
        text = " ".join(text.split())
        if not text:
            return
        if m := re.fullmatch(r"(?:typedef )?enum (\w*) ?\{(.*)\} ?(\w*)", text):
            self.enumerators(m.group(2))
            if m.group(3):
                self.types.add(m.group(3))
                self.lines.append(f"{m.group(3)} = c_int")
        elif m := re.fullmatch(r"typedef struct (\w+) (\w+)", text):
            self.opaque(m.group(2))
        elif m := re.fullmatch(r"typedef struct (\w+) \{(.*)\} (\w+)", text):
            self.struct(m.group(3), m.group(2))
        elif m := re.fullmatch(r"typedef (.+?)\(\*(\w+)\)\((.*)\)", text):
            self.types.add(m.group(2))
            self.lines.append(f"{m.group(2)} = {self.callback(self.result(m.group(1)), m.group(3))}")
        elif m := re.fullmatch(r"(.+?[ *])(\w+)\((.*)\)", text):
            self.functions[m.group(2)] = (self.result(m.group(1), m.group(2)), self.arguments(m.group(3)))
        else:
            raise SystemExit(f"abi: cannot read {text!r}")

    def read(self, text: str) -> None:
        text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
        text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.S)
        text = re.sub(r"^#.*?[^\\]$", "", text, flags=re.S | re.M)
        for d in split(text, ";"):
            self.declare(d)


def split(text: str, at: str) -> "list[str]":
    """Pieces between separators that are in no bracket."""
    pieces, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "({[") - (c in ")}]")
        if c == at and not depth:
            pieces.append(text[start:i])
            start = i + 1
    return pieces + [text[start:]]


def in_order(folder: Path) -> "list[Path]":
    """Headers behind those that they include."""
    done: "list[Path]" = []

    def visit(h: Path) -> None:
        if h not in done:
            for name in re.findall(r"#include <cril/(\w+\.h)>", h.read_text()):
                visit(folder / name)
            done.append(h)

    for h in sorted(folder.glob("*.h")):
        visit(h)
    return done


def read_headers(folder: Path) -> Header:
    found = Header()
    for h in in_order(folder):
        found.read(h.read_text())
    return found


def constants(folder: Path) -> "dict[str, str]":
    text = (folder / "status.h").read_text()
    return dict(re.findall(r"^#define (CRIL_VERSION|CRIL_NUMERICS|CRIL_RULES) (\S+)$", text, re.M))


def module(folder: Path) -> str:
    h = read_headers(folder)
    functions = "".join(f'    "{n}": ({r}, [{", ".join(a)}]),\n' for n, (r, a) in sorted(h.functions.items()))
    return (
        '"""Made by abi.py of the C headers."""\n# mypy: ignore-errors\nfrom ctypes import *\n\n'
        + "".join(f"{k} = {v}\n" for k, v in constants(folder).items())
        + "".join(line + "\n" for line in h.lines)
        + "\nFUNCTIONS = {\n" + functions + "}\n"
    )


if __name__ == "__main__":
    sys.stdout.write(module(Path(sys.argv[1])))
