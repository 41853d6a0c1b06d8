"""run_document.py DOCUMENT: runs the Python in a document, one piece after another."""
import re
import sys
from pathlib import Path

pieces = re.findall(r"^```python\n(.*?)^```", Path(sys.argv[1]).read_text(), re.S | re.M)
assert len(pieces) >= 10
names: dict = {}
for piece in pieces:
    exec(compile(piece, piece.splitlines()[0], "exec"), names)
