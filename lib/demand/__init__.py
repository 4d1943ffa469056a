"""Stock-out correction: sales are not demand on a day that ran out. :func:`correct` says what would have sold."""

from lib.demand.correction import DemandConfig, correct

__all__ = ["DemandConfig", "correct"]
