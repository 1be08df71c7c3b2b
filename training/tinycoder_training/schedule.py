"""The learning rate over a run: warm-up, stable, decay."""


def learning_rate_scale(progress: float, *, warmup: float, decay: float) -> float:
    """Factor in [0, 1] at ``progress`` in [0, 1] of the budget.

    Rises in a straight line over the first ``warmup`` part, stays, and falls in a straight line to zero over the
    last ``decay`` part (warm-up/stable/decay, Hu et al. 2024), so that a run of any length ends annealed.
    """
    rising = (progress + 1e-3) / (warmup + 1e-3)
    falling = (1 - progress) / decay if decay else 1.0
    return max(0.0, min(1.0, rising, falling))
