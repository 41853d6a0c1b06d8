"""How many bits language models need for texts: cril, a C library, for Python. doc/python.md shows all of it."""
from . import _abi
from ._call import CrilError, Interval, Status
from ._codec import Archive, CodecProgress, compress, decompress, decompress_segments, inspect
from ._eval import Evaluation, EvalProgress, EvalScore, Task, eval, tasks
from ._library import lib
from ._model import Model, Session, Token, Tokenizer, tokenize
from ._score import (
    Baseline, Corpus, Divergence, DivergingToken, DocumentScore, Likely, Result, ScoreProgress, Scores, TokenScore, diverge,
    protocols, score, score_documents, score_tokens,
)
from ._study import (
    Cell, Estimate, Line, Point, Study, StudyBenchmark, StudyCorpus, StudyDivergence, StudyModel, StudyProgress, StudyProtocol,
    StudyTotals,
)

__version__: str = lib.cril_version().decode()
NUMERICS: int = _abi.CRIL_NUMERICS  # version of the numeric contract: results of two versions do not compare
RULES: int = _abi.CRIL_RULES  # of the scoring rules

__all__ = [
    "Archive", "Baseline", "Cell", "CodecProgress", "Corpus", "CrilError", "Divergence",
    "DivergingToken", "DocumentScore", "Estimate", "EvalProgress", "EvalScore", "Evaluation",
    "Interval", "Likely", "Line", "Model", "NUMERICS", "Point", "RULES", "Result", "ScoreProgress", "Scores",
    "Session", "Status", "Study", "StudyBenchmark", "StudyCorpus", "StudyDivergence", "StudyModel", "StudyProgress",
    "StudyProtocol", "StudyTotals", "Task", "Token", "TokenScore", "Tokenizer", "__version__",
    "compress", "decompress", "decompress_segments", "diverge", "eval", "inspect", "protocols",
    "score", "score_documents", "score_tokens", "tasks", "tokenize",
]
