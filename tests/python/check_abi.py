"""check_abi.py HEADERS CC: what abi.py reads from the headers is what a C compiler reads: each structure's size, each field's
offset and size, and the type of each function."""
import ctypes
import subprocess
import sys
import tempfile
from pathlib import Path

from cril import _abi

headers, cc = Path(sys.argv[1]), sys.argv[2]
SCALARS = {
    ctypes.c_char: "char", ctypes.c_int: "int", ctypes.c_uint: "unsigned", ctypes.c_bool: "bool", ctypes.c_float: "float",
    ctypes.c_double: "double", ctypes.c_uint8: "uint8_t", ctypes.c_size_t: "size_t", None: "void",
}  # fmt: skip


def structures():
    return {n: s for n, s in vars(_abi).items() if isinstance(s, type) and issubclass(s, ctypes.Structure) and hasattr(s, "_fields_") and n != "Structure"}


def layout(name, s):
    """Lines of a C program that fail to compile where the layout is another one."""
    anonymous = name not in declared
    if not anonymous:
        yield f'_Static_assert(sizeof({name}) == {ctypes.sizeof(s)}, "{name}");'
        for field, _ in s._fields_:
            at = getattr(s, field)
            yield f'_Static_assert(offsetof({name}, {field}) == {at.offset} && sizeof((({name} *)0)->{field}) == {at.size}, "{name}.{field}");'


def compatible(kind):
    """In place of an argument of a call: a value whose type C checks."""
    if kind in SCALARS and kind is not None:
        return f"({SCALARS[kind]})0"
    if kind is ctypes.c_char_p:
        return "(char *)0"
    if kind is ctypes.c_void_p or issubclass(kind, ctypes._CFuncPtr):
        return "(void *)0"
    return f"({spell(kind)})0" if spell(kind) != "char * *" else "(void *)0"  # const is not told here


def spell(kind):
    if kind in SCALARS:
        return SCALARS[kind]
    if hasattr(kind, "_type_") and issubclass(kind, ctypes._Pointer):
        return spell(kind._type_) + " *"
    if kind is ctypes.c_char_p:
        return "char *"
    if kind is ctypes.c_void_p:
        return "void *"
    return {ctypes.c_int32: "int32_t", ctypes.c_uint64: "uint64_t"}.get(kind) or kind.__name__


def same_type(name, result, arguments):
    """The function has as many arguments, of such types; the result has its size."""
    call = f"{name}({', '.join(map(compatible, arguments))})"
    if result is None:
        yield f"void check_{name}(void) {{ {call}; }}"
        return
    yield f"void check_{name}(void) {{ _Static_assert(sizeof({call}) == {ctypes.sizeof(result)}, \"{name}\"); (void){call}; }}"


declared = {w for h in headers.glob("cril/*.h") for line in h.read_text().splitlines() if line.startswith("}") for w in [line[1:].strip(" ;")]}
lines = [f"#include <cril/{h.name}>" for h in sorted(headers.glob("cril/*.h"))] + ["#include <stddef.h>"]
n_layouts = len(lines)
for name, s in structures().items():
    lines += layout(name, s)
n_layouts = len(lines) - n_layouts
for name, (result, arguments) in _abi.FUNCTIONS.items():
    lines += same_type(name, result, arguments)
assert n_layouts > 500 and len(_abi.FUNCTIONS) > 250, (n_layouts, len(_abi.FUNCTIONS))
with tempfile.TemporaryDirectory() as folder:
    source = Path(folder) / "check.c"
    source.write_text("\n".join(lines) + "\n")
    flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", f"-I{headers}", "-fsyntax-only", "-Werror=incompatible-pointer-types",
             "-Wno-discarded-qualifiers", "-Wno-nonnull", "-Werror=int-conversion", "-Werror=implicit-function-declaration"]
    sys.exit(subprocess.run([cc, *flags, source]).returncode)
