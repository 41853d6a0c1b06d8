#!/usr/bin/env python3
"""check_hub_cache.py CRIL SERVE_HUB FILE.gguf: the cache of "cril pull" against huggingface_hub itself, both ways.

Needs the package huggingface_hub, and no network: SERVE_HUB (build/tests/serve_hub) is the hub. FILE.gguf is served as a model, beside a
folder of small files. What cril fetched, the library must find offline, and its scan of the cache must have nothing to object to; what
the library fetched, cril must find without the network; and either's pull of what the other has must fetch nothing.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

cril, serve_hub, gguf = sys.argv[1:]
root = tempfile.mkdtemp(prefix="cril-hub-")
os.environ.update(HF_HOME=root + "/home", HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_XET="1")
for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
    os.environ.pop(name, None)
small = {"config.json": b'{"model_type": "llama"}', "tokenizer.json": b"{}" * 1000, "merges.txt": b"",
         "model.safetensors": bytes(range(256)) * 100}
arguments = []
for name, data in small.items():
    with open(f"{root}/{name}", "wb") as f:
        f.write(data)
    arguments.append(f"{name}={root}/{name}")
arguments.append(f"sub/a-Q4_1.gguf={gguf}")
server = subprocess.Popen([serve_hub, root + "/endpoint", root + "/log", "tiny/llama", *arguments])
while not os.path.exists(root + "/endpoint"):
    time.sleep(0.01)
os.environ["HF_ENDPOINT"] = open(root + "/endpoint").read().strip()

import huggingface_hub as hub  # noqa: E402: it reads the variables above once
from huggingface_hub import constants  # noqa: E402

COMMIT = "c" * 40
FILES = [*small, "sub/a-Q4_1.gguf"]


def run(*words, **variables):
    r = subprocess.run([cril, *words], capture_output=True, text=True, env={**os.environ, **variables})
    assert r.returncode == 0, (words, r.stderr)
    return r.stdout.strip()


def requests():
    with open(root + "/log") as f:
        return len(f.readlines())


def tree(cache):
    """Each path of a cache with what it is; locks and tags aside, which come and go."""
    found = {}
    for folder, _, names in os.walk(cache):
        for name in names:
            path = os.path.join(folder, name)
            below = os.path.relpath(path, cache)
            if not below.startswith(".locks") and name != "CACHEDIR.TAG":
                found[below] = os.readlink(path) if os.path.islink(path) else open(path, "rb").read()
    return found


def content(name):
    return small[name] if name in small else open(gguf, "rb").read()


def check_by_library(cache, what):
    for name in FILES:
        path = hub.try_to_load_from_cache("tiny/llama", name, cache_dir=cache)
        assert isinstance(path, str), (what, name, path)
        assert open(path, "rb").read() == content(name), (what, name)
        before = requests()
        constants.HF_HUB_OFFLINE = True
        assert hub.hf_hub_download("tiny/llama", name, cache_dir=cache) == path, (what, name)
        constants.HF_HUB_OFFLINE = False
        assert requests() == before, (what, name)
    assert hub.snapshot_download("tiny/llama", cache_dir=cache, local_files_only=True) == f"{cache}/models--tiny--llama/snapshots/{COMMIT}"
    scan = hub.scan_cache_dir(cache)
    assert not scan.warnings, (what, scan.warnings)
    (repo,) = scan.repos
    (revision,) = repo.revisions
    assert (repo.repo_id, revision.commit_hash, set(revision.refs)) == ("tiny/llama", COMMIT, {"main"}), what
    assert {os.path.relpath(f.file_path, revision.snapshot_path) for f in revision.files} == set(FILES), what
    assert repo.size_on_disk == sum(len(content(n)) for n in FILES), what


try:
    # cril fetches, the library looks, and then fetches nothing.
    ours = root + "/ours"
    folder = run("pull", "-q", "hf:tiny/llama", HF_HUB_CACHE=ours)
    file = run("pull", "-q", "hf:tiny/llama:Q4_1", HF_HUB_CACHE=ours)
    assert folder == f"{ours}/models--tiny--llama/snapshots/{COMMIT}" and file == folder + "/sub/a-Q4_1.gguf"
    check_by_library(ours, "of cril")
    before = requests()
    for name in FILES:
        hub.hf_hub_download("tiny/llama", name, cache_dir=ours)
    assert requests() == before + len(FILES), "the library fetched what cril had: one HEAD a file was expected"
    print(f"huggingface_hub {hub.__version__} finds what cril fetched: {len(FILES)} files")

    # The library fetches, cril finds it without the network, and then fetches nothing.
    theirs = root + "/theirs"
    for name in FILES:
        hub.hf_hub_download("tiny/llama", name, cache_dir=theirs)
    before = requests()
    assert run("info", "--json", "hf:tiny/llama:Q4_1", HF_HUB_CACHE=theirs)
    offline = run("pull", "-q", "hf:tiny/llama", HF_HUB_CACHE=theirs, HF_HUB_OFFLINE="1")
    assert offline == f"{theirs}/models--tiny--llama/snapshots/{COMMIT}" and requests() == before
    for name in ("hf:tiny/llama", "hf:tiny/llama:Q4_1"):
        said = json.loads(run("pull", "-q", "--json", name, HF_HUB_CACHE=theirs))
        assert said["fetched_bytes"] == 0 and said["commit"] == COMMIT, said
    assert requests() == before + 2, "cril asked for more than two lists"
    check_by_library(theirs, "of the library")
    print(f"cril finds what huggingface_hub {hub.__version__} fetched")

    assert tree(ours) == tree(theirs), set(tree(ours)) ^ set(tree(theirs))
    print(f"both caches are alike: {len(tree(ours))} paths")
finally:
    server.kill()
    shutil.rmtree(root)
