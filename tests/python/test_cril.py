"""The package as it is installed, on tiny models: figures are the command's, to the bit; what is closed is refused; callbacks, exceptions
and Ctrl-C end calls. test_cril.py TESTS CRIL COMMAND..."""
import dataclasses
import json
import math
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from itertools import count
from pathlib import Path

import cril
from cril import _call, _library, _score

TESTS, COMMAND = Path(sys.argv[1]), sys.argv[2]
LLAMA, QWEN = TESTS / "golden/tiny-llama.gguf", TESTS / "golden/tiny-qwen2.gguf"
CORPUS = TESTS / "cli/c.jsonl"
SMALL = {"context": 128, "threads": 1}


def command(*arguments):
    return subprocess.run([COMMAND, *map(str, arguments)], check=True, capture_output=True).stdout


def texts():
    return [json.loads(line)["content"] for line in CORPUS.read_text().splitlines() if line]


class Models(unittest.TestCase):
    def test_facts(self):
        with cril.Model(LLAMA) as m:
            self.assertEqual(m.path, str(LLAMA))
            self.assertEqual(m.architecture, "llama")
            self.assertEqual(len(m.sha256), 64)
            self.assertNotEqual(m.identity, m.sha256)
            self.assertEqual(m.bytes, LLAMA.stat().st_size)
            self.assertIn(m.name, repr(m))
            self.assertEqual(m.logits, len(m.tokenizer))
            self.assertTrue(m.parameters and m.context and m.max_window and m.types)
            self.assertEqual((m.cannot_say, type(m.warnings)), (m.cannot_say, list))

    def test_closed(self):
        m = cril.Model(LLAMA)
        t, s = m.tokenizer, m.session()
        m.close()
        m.close()
        self.assertEqual(repr(m), "<cril.Model, closed>")
        for use in (lambda: m.name, lambda: m.sha256, lambda: t.encode("x"), lambda: cril.score(m, ["x"]), m.session):
            with self.assertRaisesRegex(ValueError, "the model is closed"):
                use()
        s.feed([1, 2])  # it goes on
        self.assertGreater(s.nats(3), 0)
        s.close()
        s.close()
        with self.assertRaisesRegex(ValueError, "the session is closed"):
            s.tokens()

    def test_errors(self):
        with self.assertRaises(cril.CrilError) as e:
            cril.Model("no/such.gguf")
        self.assertEqual(e.exception.status, cril.Status.IO)
        self.assertIn("no/such.gguf", str(e.exception))
        with self.assertRaises(cril.CrilError) as e:
            cril.score(LLAMA, CORPUS, protocol="none")
        self.assertEqual(e.exception.status, cril.Status.RANGE)
        with self.assertRaisesRegex(ValueError, "context is -1"):
            cril.score(LLAMA, CORPUS, context=-1)
        with self.assertRaises(TypeError):
            cril.score(LLAMA, CORPUS, windows=3)

    def test_tokens(self):
        found = list(cril.tokenize(LLAMA, "Hello, world"))
        self.assertEqual(b"".join(t.piece for t in found).strip(), b"Hello, world")
        with cril.Tokenizer(QWEN) as t, cril.Model(QWEN) as m:
            ids = t.encode("a\ud800b\0c")
            self.assertEqual(t.decode(ids), "a\ufffdb\0c".encode())
            self.assertEqual([x.id for x in cril.tokenize(m, b"a\xef\xbf\xbdb\0c")], ids)
            self.assertEqual((t.bos is None, t.adds_bos, t.adds_eos), (m.tokenizer.bos is None, m.tokenizer.adds_bos, False))
            self.assertTrue(t.kind and isinstance(t.warnings, list) and (t.eos or 0) >= 0)
            for id in (-1, len(t), 1 << 40):
                with self.assertRaises(IndexError):
                    t.piece(id)
        with self.assertRaisesRegex(ValueError, "the tokenizer is closed"):
            len(t)
        with cril.Model(LLAMA) as m:
            self.assertEqual(m.tokenizer.encode("x", add_special=True)[0], m.tokenizer.bos)


class Scores(unittest.TestCase):
    def test_as_the_command(self):
        for protocol in cril.protocols():
            options = {} if protocol in ("opencompass", "uncheatable") else {"context": 64}
            arguments = [f"--context={v}" for v in options.values()]
            with self.subTest(protocol):
                try:
                    out = command("score", "-m", LLAMA, "-p", protocol, "--json", *arguments, CORPUS)
                except subprocess.CalledProcessError:
                    continue
                want = json.loads(out)["results"][0]
                r = cril.score(LLAMA, CORPUS, protocol=protocol, **options)
                self.assertEqual((r.nats, r.bpc, r.scored_tokens), (want["nats"], want["bpc"], want["scored_tokens"]))
                self.assertEqual(r.corpus_sha256, want["corpus"]["sha256"])
                self.assertEqual(cril.score(LLAMA, iter(texts()), protocol=protocol, **options).nats, r.nats)

    def test_result(self):
        seen = []
        r = cril.score(LLAMA, CORPUS, progress=seen.append, baselines=True, batch_tokens=100, **SMALL)
        self.assertTrue(seen and 0 < seen[-1].fraction <= 1 and isinstance(seen[0], cril.ScoreProgress))
        self.assertEqual(len(r.documents), len(texts()))
        self.assertEqual(r.nats, math.fsum(d.nats for d in r.documents))
        self.assertTrue(r.interval.low < r.bpc < r.interval.high)
        self.assertIn("xz -9", [b.name for b in r.baselines])
        self.assertEqual(r.documents[0].characters, len(texts()[0]))
        self.assertAlmostEqual(r.documents[0].bpc, r.documents[0].nats / math.log(2) / len(texts()[0]))
        self.assertIsNone(cril.score(LLAMA, ["one"], **SMALL).interval)
        json.dumps(dataclasses.asdict(r))

    def test_iterators(self):
        r = cril.score(LLAMA, CORPUS, **SMALL)
        documents = cril.score_documents(LLAMA, CORPUS, **SMALL)
        self.assertIsNone(documents.result)
        self.assertEqual(list(documents), r.documents)
        self.assertEqual(documents.result.nats, r.nats)
        tokens = list(cril.score_tokens(LLAMA, CORPUS, **SMALL))
        self.assertEqual(len(tokens), r.scored_tokens)
        self.assertAlmostEqual(math.fsum(t.nats for t in tokens if t.document == 1), r.documents[1].nats, 9)
        with cril.Model(LLAMA) as m:
            self.assertEqual([t.id for t in tokens if t.document == 0], m.tokenizer.encode(texts()[0]))

    def test_details(self):
        with cril.Model(QWEN) as m:
            text = "The most likely ids, and what they would cost."
            first, *tokens = cril.score_tokens(m, [text], **SMALL)
            plain = list(cril.score_tokens(m, [text], details=False, **SMALL))
            self.assertEqual((first.rank, first.entropy, first.likely), (None, None, []))  # this model has no BOS
            self.assertEqual([t.nats for t in plain], [t.nats for t in [first, *tokens]])
            self.assertTrue(all(t.rank is None and not t.likely for t in plain))
            with m.session(context=128) as s:
                s.reset(length=len(tokens))
                for before, t in zip([first, *tokens], tokens):
                    s.feed([before.id])
                    nats = s.nats()
                    order = sorted(range(len(nats)), key=lambda i: (nats[i], i))
                    self.assertEqual(nats[order[t.rank - 1]], t.nats)
                    self.assertEqual([x.nats for x in t.likely], [nats[i] for i in order[:10]])
                    self.assertEqual(t.likely[0].text, m.tokenizer.piece(t.likely[0].id).decode("utf-8", "replace"))
                    self.assertAlmostEqual(t.entropy, math.fsum(math.exp(-x) * x for x in nats), 5)

    def test_prompts(self):
        pairs = [("The capital of France is", " Paris"), ("", "nothing stands before")]
        r = cril.score(LLAMA, pairs, **SMALL)
        self.assertEqual([d.characters for d in r.documents], [6, 21])
        alone = cril.score(LLAMA, [" Paris"], **SMALL)
        self.assertNotEqual(r.documents[0].nats, alone.nats)
        with self.assertRaisesRegex(TypeError, "texts, or pairs"):
            cril.score(LLAMA, [("a", "b"), "c"], **SMALL)
        with self.assertRaisesRegex(TypeError, "texts, or pairs"):
            cril.score(LLAMA, ["c", ("a", "b")], **SMALL)
        with self.assertRaises(cril.CrilError) as e:
            cril.score(LLAMA, [], **SMALL)
        self.assertEqual(e.exception.status, cril.Status.EMPTY)

    def test_options_of_corpora(self):
        self.assertEqual(len(cril.score(LLAMA, cril.Corpus(CORPUS, limit=2), **SMALL).documents), 2)
        with self.assertRaises(cril.CrilError) as e:
            cril.score(LLAMA, cril.Corpus(CORPUS, field="none", strict=True), **SMALL)
        self.assertIn("none", str(e.exception))

    def test_diverge(self):
        other = TESTS / "golden/tiny-llama-mixed.gguf"
        out = command("diverge", "-m", LLAMA, "-m", other, "--window=64", "--stride=24", "--json", CORPUS)
        want = json.loads(out)["models"][0]["corpora"][0]
        options = {"context": 64, "stride": 24}
        seen = []
        one, = cril.diverge([LLAMA, other], CORPUS, progress=seen.append, **options)
        for name in ("tokens", "mean_kl", "rms_dp", "same_top", "ln_ppl", "ln_ppl_ratio", "correlation", "kl", "dp"):
            self.assertEqual(getattr(one, name), want[name], name)
        self.assertTrue(seen and one.corpus is None and len(one.worst) > 5)
        two = cril.diverge([LLAMA, other, LLAMA], {"a": CORPUS, "b": texts()[:2]}, **options)
        self.assertEqual([(d.model == d.base, d.corpus) for d in two[3:]], [(True, "a"), (True, "b"), (True, None)])
        self.assertEqual({d.mean_kl for d in two[3:]}, {0})
        self.assertEqual(two[2].tokens, two[0].tokens + two[1].tokens)
        self.assertEqual(two[0].mean_kl, one.mean_kl)
        worst = two[2].worst[0]
        self.assertEqual(worst.kl, one.worst[0].kl)
        self.assertAlmostEqual(worst.kl, one.kl["max"], 6)  # percentiles are of single precision
        self.assertIn(worst.before.strip() + worst.text + worst.after.rstrip("\ufffd"), " ".join(texts()))
        with self.assertRaises(cril.CrilError) as e:
            cril.diverge([LLAMA, QWEN], CORPUS, **options)
        self.assertEqual(e.exception.status, cril.Status.RANGE)


class Calls(unittest.TestCase):
    """Long ones, which end early."""

    def endless(self):
        return (f"text number {i} of very many" for i in count())

    def test_exception_in_progress(self):
        def progress(_):
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            cril.score(LLAMA, self.endless(), batch_tokens=64, progress=progress, **SMALL)

    def test_exception_in_texts(self):
        def some():
            for text in ("one", "two", "three"):
                self.assertIs(threading.current_thread(), threading.main_thread())
                yield text
            raise ZeroDivisionError("theirs")

        with self.assertRaisesRegex(ZeroDivisionError, "theirs"):
            cril.score(LLAMA, some(), **SMALL)
        with self.assertRaises(TypeError):
            cril.score(LLAMA, 5)

    def test_exception_in_a_callback(self):
        """Of the package's own, in the thread of the work."""
        kept = _score.make_token
        _score.make_token = lambda model, token: 1 // 0
        try:
            with self.assertRaises(ZeroDivisionError):
                list(cril.score_tokens(LLAMA, self.endless(), batch_tokens=64, **SMALL))
        finally:
            _score.make_token = kept

    def test_left_in_the_middle(self):
        with cril.Model(LLAMA) as m:
            for t in cril.score_tokens(m, self.endless(), **SMALL):
                if t.document == 3:
                    break
            s = cril.score_tokens(m, self.endless(), batch_tokens=64, **SMALL)
            next(s)
            s.close()
            with self.assertRaises(StopIteration):
                next(s)
        self.assertEqual(threading.active_count(), 1)
        self.assertEqual(m._handle._uses, 0)
        self.assertIsNone(m._handle._pointer)

    def test_interrupt(self):
        for work in (
            lambda: cril.score(LLAMA, self.endless(), batch_tokens=64, **SMALL),
            lambda: list(cril.score_documents(LLAMA, self.endless(), batch_tokens=64, **SMALL)),
            lambda: cril.compress(LLAMA, b"some text that is long enough " * 20000, context=64, threads=1),
        ):
            timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
            start = time.monotonic()
            timer.start()
            with self.assertRaises(KeyboardInterrupt):
                work()
            timer.join()
            self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(threading.active_count(), 1)

    def test_interpreter_is_free(self):
        ticks = []
        done = threading.Event()

        def tick():
            while not done.wait(0.001):
                ticks.append(1)

        other = threading.Thread(target=tick)
        other.start()
        cril.score(LLAMA, texts() * 100, **SMALL)
        done.set()
        other.join()
        self.assertGreater(len(ticks), 20)

    def test_two_threads_share_a_model(self):
        with cril.Model(LLAMA) as m:
            found = []
            threads = [threading.Thread(target=lambda: found.append(cril.score(m, CORPUS, **SMALL).nats)) for _ in range(2)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(found[0], found[1])

    def test_closed_at_work(self):
        m = cril.Model(LLAMA)
        tokens = cril.score_tokens(m, texts(), **SMALL)
        first = next(tokens)
        m.close()
        self.assertEqual([first, *tokens], list(cril.score_tokens(LLAMA, texts(), **SMALL)))
        self.assertIsNone(m._handle._pointer)

    def test_end_of_the_program(self):
        """An iterator that was left in the middle does not hold it up."""
        program = (
            "import atexit, itertools, sys, threading\n"
            "atexit.register(lambda: print(threading.active_count()))\n"
            "import cril\n"
            "s = cril.score_tokens(sys.argv[1], (f'text {i}' for i in itertools.count()), context=64, threads=1)\n"
            "next(s)\n"
        )
        done = subprocess.run([sys.executable, "-c", program, LLAMA], check=True, timeout=20, capture_output=True, text=True)
        self.assertEqual((done.stdout, done.stderr), ("1\n", ""))


class Archives(unittest.TestCase):
    def test_round_trip(self):
        text = ("Some text, é, and bytes. " * 40).encode() + b"\xff\0"
        with cril.Model(LLAMA) as m:
            seen = []
            packed = cril.compress(m, text, segment_bytes=300, progress=seen.append, context=64)
            self.assertIsInstance(seen[-1], cril.CodecProgress)
            self.assertEqual(cril.decompress(m, packed), text)
            self.assertEqual(cril.decompress(m, packed, range=(100, 420)), text[100:420])
            pieces = list(cril.decompress_segments(m, packed, streams=1))
            self.assertEqual(b"".join(pieces), text)
            self.assertGreater(len(pieces), 2)
            info = cril.inspect(packed)
            self.assertEqual((info.original_bytes, info.archive_bytes, info.segments), (len(text), len(packed), len(pieces)))
            self.assertEqual(cril.decompress(m, cril.compress(m, "")), b"")
            damaged = packed[:80] + bytes([packed[80] ^ 1]) + packed[81:]
            with self.assertRaises(cril.CrilError):
                cril.decompress(m, damaged)
        with self.assertRaises(cril.CrilError) as e:
            cril.decompress(QWEN, packed)
        self.assertEqual(e.exception.status, cril.Status.MISMATCH)
        Path("a.cril").write_bytes(packed)
        self.assertEqual(cril.decompress(LLAMA, "a.cril"), text)
        self.assertEqual(command("decompress", "-m", LLAMA, "-c", "a.cril"), text)
        self.assertEqual(cril.inspect(Path("a.cril")), info)


class Sessions(unittest.TestCase):
    def test_as_a_score(self):
        text = "Sessions have the bits of a score, token by token."
        with cril.Model(QWEN) as m:
            tokens = list(cril.score_tokens(m, [text], **SMALL))
            ids = [t.id for t in tokens]
            with m.session(streams=2, context=128, threads=2) as s:
                self.assertEqual((s.streams, s.context), (2, 128))
                got = []
                for a, b in zip(ids, ids[1:]):
                    s.feed([a])
                    got.append(s.nats(b))
                skip = len(ids) - 1 - len(got)
                self.assertEqual(got, [t.nats for t in tokens][skip + 1 :])
                every = s.nats()
                self.assertEqual(len(every), m.logits)
                self.assertAlmostEqual(math.fsum(map(math.exp, (-x for x in every))), 1, 6)
                self.assertEqual(s.nats([5, 3]).tolist(), [every[5], every[3]])
                self.assertEqual(every[s.best()], min(every))
                self.assertEqual(struct.pack("f", s.logits()[s.best()]), struct.pack("f", max(s.logits())))
                s.fork(1)
                self.assertEqual(s.nats(stream=1), every)
                s.rewind(3)
                self.assertEqual((s.tokens(), s.tokens(1)), (3, len(ids) - 1))
                for known in (s.nats, s.logits):
                    with self.assertRaises((cril.CrilError, ValueError)):
                        known()
                s.feed(ids[3:-1])
                self.assertEqual(s.nats(), every)
                s.reset()
                s.PIECE = 4
                s.feed_all({0: ids[:-1], 1: ids[:2]})
                self.assertEqual(s.nats(), every)
                with self.assertRaises(ValueError):
                    s.feed([])
                with self.assertRaises(cril.CrilError):
                    s.feed([m.logits])
                with self.assertRaises(cril.CrilError):
                    s.feed([1], stream=2)


class Evaluations(unittest.TestCase):
    def test_requests(self):
        request = {"id": "a", "context": "The sky is", "choices": [" blue", " a chair"], "gold": 0}
        Path("requests.jsonl").write_text(json.dumps(request) + "\n")
        seen = []
        e = cril.eval(LLAMA, requests="requests.jsonl", progress=seen.append, window=64)
        self.assertEqual((len(e.items), e.scores[0].items, e.scores[0].errors), (1, 1, 0))
        self.assertIn(e.score, (0, 1))
        self.assertTrue(seen and len(e.data_sha256) == 64)
        self.assertEqual(list(Path("cril/eval").iterdir()), [])  # no journal is left
        with self.assertRaises(TypeError):
            cril.eval(LLAMA)
        with self.assertRaises(cril.CrilError):
            cril.eval(LLAMA, "no such task", ".")
        self.assertIn("gsm8k", [t.name for t in cril.tasks()])


class Studies(unittest.TestCase):
    def test_study(self):
        models = "\n".join(f"  - {{name: {p.stem}, path: {p}}}" for p in (LLAMA, QWEN, TESTS / "golden/tiny-gemma3.gguf"))
        Path("scores.csv").write_text(
            "model,benchmark,score,unit,source\ntiny-llama,b,0.2,fraction,s\ntiny-qwen2,b,0.5,fraction,s\ntiny-gemma3,b,0.4,fraction,s\n"
        )
        Path("study.yaml").write_text(
            f"title: Tiny\nmodels:\n{models}\ncorpora:\n  - {{name: c, path: {CORPUS}, group: g}}\nbenchmarks:\n"
            "  - {name: b, group: g}\nprotocols:\n  - {name: document, context: 64}\nfits:\n  - {name: all, x: average, y: average}\n"
        )
        with cril.Study("study.yaml") as study:
            self.assertEqual(study.title, "Tiny")
            self.assertEqual([m.name for m in study.models], ["tiny-llama", "tiny-qwen2", "tiny-gemma3"])
            self.assertEqual((study.corpora[0].group, study.benchmarks[0].task, study.protocols[0].context), ("g", None, 64))
            seen, notes = [], []
            totals = study.run(progress=seen.append, note=notes.append, threads=1)
            self.assertEqual((totals.cells, totals.cells_before), (3, 0))
            self.assertTrue(seen)
            command("study", "import", "study.yaml", "--scores", "scores.csv")
            cells = list(study)
            self.assertEqual([(c.model, c.of) for c in cells[:2]], [("tiny-llama", "c"), ("tiny-llama", "b")])
            self.assertEqual([c.value for c in cells[:3:2]], [cril.score(m, CORPUS, context=64).bpc for m in (LLAMA, QWEN)])
            self.assertEqual([c.value for c in cells[1::2]], [0.2, 0.5, 0.4])
            self.assertEqual([(c.origin, c.is_benchmark, c.source) for c in cells[:2]], [("measured", False, ""), ("imported", True, "s")])
            line, = study.lines()
            self.assertEqual((line.n, line.name, len(line.points)), (3, "all", 3))
            p = line.points[0]
            self.assertAlmostEqual(line.intercept.value + line.slope.value * p.x, p.fitted)
            with self.assertRaises(KeyError):
                list(study.cells("none"))
            self.assertEqual(study.run().cells_before, 3)
        with self.assertRaisesRegex(ValueError, "the study is closed"):
            study.title

    def test_divergences(self):
        mixed = TESTS / "golden/tiny-llama-mixed.gguf"
        Path("beside.yaml").write_text(
            f"models: [{{name: a, path: {LLAMA}}}, {{name: b, path: {mixed}, diverge: a}}]\ncorpora: [{{name: c, path: {CORPUS}}}]\n"
            "protocols: [{name: document, context: 64}]\n"
        )
        with cril.Study("beside.yaml") as study:
            self.assertEqual([m.base for m in study.models], [None, "a"])
            self.assertEqual(list(study.divergences()), [])
            study.run(threads=1)
            d, = study.divergences()
            want, = cril.diverge([LLAMA, mixed], CORPUS, context=64)
            self.assertEqual((d.model, d.base, d.corpus, d.tokens), ("b", "a", "c", want.tokens))
            self.assertEqual((d.mean_kl, d.same_top, d.mean_kl_interval), (want.mean_kl, want.same_top, want.mean_kl_interval))


class Library(unittest.TestCase):
    def test_version(self):
        self.assertEqual(cril.__version__, command("--version").split()[1].rstrip(b",").decode())

    def test_what_is_missing_is_named(self):
        path = Path(_library.__file__).with_name("libcril.so.0")
        needed = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
        libraries = [line.split("[")[1].split("]")[0] for line in needed.splitlines() if "(NEEDED)" in line]
        self.assertEqual([n for n in libraries if n not in _library.PACKAGES], [n for n in libraries if n.startswith(("libc.", "libm.", "ld-"))])
        kept = dict(_library.PACKAGES)
        try:
            _library.PACKAGES["libnone.so.9"] = "libnone9"
            with self.assertRaisesRegex(ImportError, "other.so.*apt-get install libnone9"):
                _library.load(Path("other.so"))
        finally:
            _library.PACKAGES.clear()
            _library.PACKAGES.update(kept)

    def test_another_version(self):
        version = _library._abi.CRIL_VERSION
        try:
            _library._abi.CRIL_VERSION = "9.9.9"
            with self.assertRaisesRegex(ImportError, "install both anew"):
                _library.load(Path(_library.__file__).with_name("libcril.so.0"))
        finally:
            _library._abi.CRIL_VERSION = version

    def test_nothing_is_left(self):
        self.assertEqual(len(_call._running), 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["XDG_CACHE_HOME"] = folder
        unittest.main(argv=["test_cril.py", *sys.argv[3:]])
