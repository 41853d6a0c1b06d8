#!/usr/bin/env python3
"""How often the steps of a corpus decide otherwise than datatrove: for each corpus (JSON Lines, gzipped or not, with "text" or
"content") and step the documents that both treat alike, and the differing decisions. Needs datatrove 0.10 and spaCy 3.8.

    python3 scripts/compare_quality.py BUILD/bench/steps CORPUS...
"""
import collections
import gzip
import json
import struct
import subprocess
import sys
import tempfile

import numpy as np
import xxhash
from datatrove.data import Document
from datatrove.pipeline.dedup.minhash import MinhashDedupSignature
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.formatters import PIIFormatter

FILTERS = {"gopher_quality": GopherQualityFilter(), "gopher_repetition": GopherRepetitionFilter(), "c4": C4QualityFilter()}
STEPS = ["utf8", "length", "gopher_quality", "gopher_repetition", "c4", "paragraphs", "near_duplicates", "personal"]
minhash = MinhashDedupSignature(tempfile.mkdtemp())
minhash._hash_func = lambda ngram: xxhash.xxh64_intdigest(ngram.encode())


def changed(text, before):
    return "kept" if text == before else "changed:" + xxhash.xxh64_hexdigest(text.encode())


def mark(text):
    shingles = minhash.get_shingles(text)
    if not shingles.size:
        return "unmarked"
    with np.errstate(over="ignore"):
        bands = minhash.get_signature(shingles)
    return xxhash.xxh64_hexdigest(struct.pack("<14Q", *(xxhash.xxh64_intdigest(struct.pack("<8Q", *band)) for band in bands)))


def decide(step, text):
    if step in FILTERS:
        document = Document(text=text, id="")
        verdict = FILTERS[step].filter(document)
        return changed(document.text, text) if verdict is True else verdict[1]
    if step == "near_duplicates":
        return mark(text)
    return changed(PIIFormatter().format(text), text) if step == "personal" else None


for path in sys.argv[2:]:
    ours = subprocess.run([sys.argv[1], "--decisions", path], check=True, capture_output=True, text=True).stdout.splitlines()
    texts = [json.loads(line) for line in (gzip.open if path.endswith(".gz") else open)(path, "rt")]
    texts = [t.get("text") or t.get("content") for t in texts]
    assert len(ours) == len(texts)
    for column, step in enumerate(STEPS):
        differing = collections.Counter()
        for line, text in zip(ours, texts):
            want, got = decide(step, text), line.split()[column]
            if want is not None and want != got:
                differing[got.split(":")[0] if step != "near_duplicates" else "a mark",
                          want.split(":")[0] if step != "near_duplicates" else "another"] += 1
        if step not in ("utf8", "length", "paragraphs"):
            n = sum(differing.values())
            print("%s,%s,%d of %d" % (path.split("/")[-1], step, len(texts) - n, len(texts)))
            for (got, want), n in differing.most_common():
                print("    %d: %s, by datatrove %s" % (n, got, want))
