from tinycoder.evaluate.evaluation import Progress, Results, Settings, Variant, evaluate, last, variants_of
from tinycoder.evaluate.lines import CompletedLine, completed_lines, statement_starts
from tinycoder.evaluate.measures import could_begin_a_module

__all__ = [
    "CompletedLine",
    "Progress",
    "Results",
    "Settings",
    "Variant",
    "completed_lines",
    "could_begin_a_module",
    "evaluate",
    "last",
    "statement_starts",
    "variants_of",
]
