#!/bin/sh
# python.sh LIBRARY SOURCE CRIL CC: the Python package, as a wheel in a new virtual environment without the sources. Skipped where Python or its
# pip is missing; the example that plots, where matplotlib is.
set -eu
library=$1 source=$2 cril=$3 cc=$4
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
python3 -c 'import sys, venv, pip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { echo "skipped: no python3 with venv and pip"; exit 77; }
wheel=$("$source/python/build_wheel" --library "$library" --output "$tmp/dist")
python3 -m venv --without-pip "$tmp/venv"
python3 -m pip --python "$tmp/venv/bin/python" install -q --no-index --no-deps --no-warn-script-location "$wheel"
cd "$tmp"
export PYTHONDONTWRITEBYTECODE=1
bad=0
fail() { echo "FAIL $*"; bad=1; }
venv/bin/python "$source/tests/python/check_abi.py" "$source/include" "$cc" || fail "structures or functions of _abi.py"
venv/bin/python -W error "$source/tests/python/test_cril.py" "$source/tests" "$cril" || fail "tests"
for name in a.gguf:tiny-llama.gguf b.gguf:tiny-llama-mixed.gguf; do cp "$source/tests/golden/${name#*:}" "${name%:*}"; done
cp "$source/tests/cli/c.jsonl" corpus.jsonl
cp "$source/tests/cli/text.txt" corpus.txt
echo '{"id": "a", "context": "The sky is", "choices": [" blue", " red"], "gold": 0}' >requests.jsonl
cat >study.yaml <<'END'
models: [{name: a, path: a.gguf}, {name: b, path: b.gguf}]
corpora: [{name: c, path: corpus.jsonl}]
protocols: [{name: document, context: 64}]
END
XDG_CACHE_HOME="$tmp" venv/bin/python -W error "$source/tests/python/run_document.py" "$source/doc/python.md" >document.out || fail "doc/python.md"
lines=$(grep -cv '^ *#\|^ *$' "$source/examples/python/two_models.py")
[ "$lines" -le 15 ] || fail "the example has $lines lines"
if python3 -c 'import matplotlib' 2>/dev/null; then
    packages=$(venv/bin/python -c 'import cril, os; print(os.path.dirname(os.path.dirname(cril.__file__)))')
    PYTHONPATH=$packages MPLBACKEND=Agg python3 "$source/examples/python/two_models.py" "$source/tests/golden/tiny-llama.gguf" \
        "$source/tests/golden/tiny-qwen2.gguf" "$source/tests/cli/c.jsonl" || fail "the example"
    [ -s two_models.svg ] || fail "the example draws nothing"
fi
exit $bad
