#!/usr/bin/env python3
"""Makes the bundled corpora, data/corpora/*.jsonl; not needed to build, test or use cril.

    make_corpora.py --wikipedia FILE --python DIR --stacks DIR --out data/corpora

FILE  wikipedia_english_20250101to20250115.json of github.com/Jellyfish042/uncheatable_eval (commit a8e7fdc1274a): an
      array of texts; the same as JSON Lines with the text under "content", plain or .gz, will do
DIR   /usr/lib/python3.11 of Debian 12's packages libpython3.11-minimal and -stdlib (3.11.2-6+deb12u6)
DIR   a checkout of github.com/stacks/stacks-project at 4ac4815d5a00

The same inputs give the same bytes. data/corpora/NOTICE says whose the texts are and under which licences.
"""
import argparse
import gzip
import json
import pathlib
import re
import urllib.parse

# Number in FILE and title. Places, nature, science, history; complete articles, none on a living person. FILE has no
# titles: these are read off the texts. Each must stand in its text (a part in parentheses or after a comma need not).
WIKIPEDIA = [
    (72, "Rhizocarpon sunchonense"), (76, "Tunisian Constitution of 1861"), (83, "Cugand-la-Bernardière"),
    (165, "Food-grade lubricants"), (169, "Mount Jervois"), (170, "Oxyclaenus"),
    (195, "Roof-end Tile with Human Face Motif"), (212, "Guatemala woodrat"),
    (215, "Approximately continuous function"), (241, "Mount Bonpland"), (265, "Tepexisaurus"),
    (275, "Chiodectonic acid"), (297, "Hwangnidan-gil"), (303, "Loyang Tua Pek Kong Temple"), (325, "Crean Lake"),
    (338, "Thymbra spicata"), (384, "Kolmogorov population model"), (436, "Gaujacq narrow gauge railway"),
    (531, "Anacodon"), (556, "Loch Einich"), (561, "Flavoplaca citrina"), (563, "Prothyraia"),
    (645, "Syzygium fratris"), (655, "Seascape: Folkestone"), (701, "Witczak Winding Tower"), (702, "Dzharacursor"),
    (705, "Imperial Catechism"), (753, "TOI-2109"), (826, "Tornado damage survey"), (918, "Woljeonggyo"),
]

# Modules under the licence of Python alone: none carries a notice of its own.
PYTHON = """_compression.py _weakrefset.py bisect.py codeop.py colorsys.py copyreg.py fnmatch.py genericpath.py
graphlib.py hmac.py html/__init__.py json/scanner.py json/tool.py linecache.py netrc.py nturl2path.py reprlib.py
sched.py secrets.py signal.py xdrlib.py""".split()

# Chapters, in the order of their files' names; of each, its first section of a fit length that is no introduction.
STACKS = """adequate algebraic bootstrap dpa etale examples-defos examples-stacks functors groupoids-quotients
hypercovering injectives intersection moduli-curves moduli more-groupoids pic relative-cycles spaces-duality spaces-flat
spaces-groupoids""".split()
SHORTEST, LONGEST = 3000, 8000  # characters of a section


def read_texts(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as f:
        if ".json" in path.suffixes and ".jsonl" not in path.suffixes:
            return json.load(f)
        return [json.loads(line)["content"] for line in f]


def wikipedia(path):
    texts = read_texts(path)
    for number, title in WIKIPEDIA:
        text = texts[number]
        if re.sub(r" \(.*\)|,.*", "", title).lower() not in text.lower():
            raise SystemExit(f"{path}: text {number} is not the article {title}")
        url = "https://en.wikipedia.org/wiki/" + urllib.parse.quote(title.replace(" ", "_"), safe=":/")
        yield text, {"source": "Wikipedia", "title": title, "url": url, "collected": "2025-01-01..2025-01-15",
                     "collection": "Jellyfish042/uncheatable_eval", "index": number, "license": "CC BY-SA 4.0"}


def python(folder):
    for name in PYTHON:
        text = (folder / name).read_bytes().decode("utf-8")
        yield text, {"source": "CPython 3.11.2", "file": "Lib/" + name, "license": "PSF-2.0"}


def stacks(folder):
    for name in STACKS:
        text = (folder / f"{name}.tex").read_bytes().decode("utf-8")
        text = text[:text.rindex("\\input{chapters}")]
        for section in re.split(r"^(?=\\section\{)", text, flags=re.M)[1:]:
            section = section.rstrip() + "\n"
            title = re.match(r"\\section\{(.*)\}$", section, flags=re.M).group(1)
            if title != "Introduction" and SHORTEST <= len(section) <= LONGEST:
                chapter = re.search(r"^\\title\{(.*)\}", text, flags=re.M).group(1)
                yield section, {"source": "The Stacks Project", "file": f"{name}.tex", "chapter": chapter,
                                "section": title, "commit": "4ac4815d5a00", "license": "GFDL-1.2-or-later"}
                break
        else:
            raise SystemExit(f"{folder}/{name}.tex: no section of {SHORTEST} to {LONGEST} characters")


def write(path, subset, documents):
    lines, characters = [], 0
    for text, meta in documents:
        lines.append(json.dumps({"content": text, "subset": subset, "meta": meta}, ensure_ascii=False))
        characters += len(text)
    path.write_bytes("".join(line + "\n" for line in lines).encode("utf-8"))
    print(f"{path}: {len(lines)} documents, {characters} characters")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in "wikipedia", "python", "stacks", "out":
        p.add_argument("--" + name, type=pathlib.Path, required=True)
    a = p.parse_args()
    write(a.out / "encyclopedia.jsonl", "encyclopedia", wikipedia(a.wikipedia))
    write(a.out / "python.jsonl", "python", python(a.python))
    write(a.out / "math.jsonl", "math", stacks(a.stacks))


if __name__ == "__main__":
    main()
