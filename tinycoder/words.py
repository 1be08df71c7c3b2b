"""Numbers in sentences."""


def counted(n: float, noun: str) -> str:
    """``n`` with its noun: "1 file", "2,000 files", "0.5 minutes"."""
    return f"{n:,} {plural(n, noun)}" if isinstance(n, int) else f"{n:,g} {plural(n, noun)}"


def plural(n: float, noun: str) -> str:
    """The form of ``noun`` that goes with ``n``."""
    return noun if n == 1 else f"{noun}s"
