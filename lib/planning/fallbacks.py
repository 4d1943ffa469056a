"""What is published where the model cannot say: simple statistics, each labelled with its reason."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lib.contracts import QUANTILE_LEVELS
from lib.features import history
from lib.features.almanac import weekdays
from lib.features.arrays import WEEK, Bools, Floats, floats, mean_of
from lib.features.columns import Rows
from lib.features.spine import Panel
from lib.models import volume
from lib.planning import launches, lifecycle, newcomers
from lib.planning.newcomers import Levels

Doubles = npt.NDArray[np.float64]

SPREAD_DAYS = 56
"""Days whose relative errors show how far off simple statistics are."""
LONE_SPREAD = (0.4, 0.7, 1.0, 1.3, 1.5, 1.8, 2.2)
"""Spread of a chain too young to show one, and of what others say: factors, one per published quantile."""
GUESS_DAYS = 1.0
"""What others say of a series counts as so many days of its own."""
OF_ITS_OWN = ("mean of recent same weekdays", "mean of the series' recent days", "its level before the gap")
"""Reasons that rest on the series' own sales."""


def estimate(panel: Panel, rows: Rows) -> tuple[Floats, npt.NDArray[np.str_]]:
    """(N,) units and the reason in words: the best statistic there is, from the row's weekday to the chain's mean.

    What is not of the row's weekday is told by a mean day, times the weekday's factor in the family in the store, and
    in the first weeks of a new product times the share that earlier launches reached by then.
    """
    units = np.zeros(len(rows.series), np.float32)
    reason = np.full(len(rows.series), "nothing has been sold yet", dtype="<U64")
    for origin in np.unique(rows.origin).tolist():
        chosen = rows.origin == origin
        for text, values in reversed(_ladder(panel, rows.take(chosen), newcomers.levels(panel, origin))):
            place = np.flatnonzero(chosen)[~np.isnan(values)]
            units[place], reason[place] = values[~np.isnan(values)], text
    return units, reason


def mixed(panel: Panel, rows: Rows, point: Floats, quantiles: Doubles) -> tuple[Floats, Doubles, Bools]:
    """A model's (N,) points and (N, Q) quantiles, for new products mixed with the mean of their recent days.

    That mean, with the weekday's factor and the share launches reach by then, counts as much as one same weekday: of
    K known ones the model's number weighs K / (K + 1). The last (N,) says which rows are mixed.
    """
    weeks = lifecycle.known_weeks(panel, rows)
    new: Bools = (lifecycle.stages(panel, rows) == lifecycle.NEW_PRODUCT) & (weeks > 0) & ~np.isnan(point)
    point, quantiles = point.copy(), quantiles.copy()
    for origin in np.unique(rows.origin[new]).tolist():
        chosen = new & (rows.origin == origin)
        ladder = dict(_ladder(panel, rows.take(chosen), newcomers.levels(panel, origin)))
        share, recent = 1 / (weeks[chosen] + 1), ladder[OF_ITS_OWN[1]].astype(np.float64)
        point[chosen] += share * (recent - point[chosen])
        range_ = recent[:, None] * spread(panel, floats(recent))
        quantiles[chosen] += share[:, None] * (range_ - quantiles[chosen])
    return point, quantiles, new


def spread(panel: Panel, units: Floats) -> Doubles:
    """(N, Q) factors of (N,) simple forecasts, one per published quantile, from relative errors of the last weeks.

    They are those of series of about that volume: slow sellers scatter far more widely than fast ones.
    """
    late = _late(panel, SPREAD_DAYS + WEEK * (history.WEEKS + 1) + history.LEVEL_DAYS)
    usual = history.expected(late)
    missed, due = (each[:, -SPREAD_DAYS:] for each in (history.surprise(late, usual), history.due(late, usual)))
    known = ~np.isnan(missed)
    if known.sum() < len(LONE_SPREAD) ** 2:
        return np.tile(LONE_SPREAD, (len(units), 1))
    edges = volume.edges(due[known])
    group = volume.group(due[known], edges)
    table = [
        np.quantile(missed[known][group == g] if (group == g).any() else missed[known], QUANTILE_LEVELS)
        for g in range(len(edges) + 1)
    ]
    return np.asarray(np.array(table)[volume.group(units, edges)])


def spreads(panel: Panel, units: Floats, reason: npt.NDArray[np.str_]) -> Doubles:
    """(N, Q) factors by the reasons of :func:`estimate`; what rests on others scatters no less than LONE_SPREAD."""
    own, lone = spread(panel, units), np.array(LONE_SPREAD)
    wide = np.where(lone < 1, np.minimum(own, lone), np.maximum(own, lone))
    return np.where(np.isin(reason, OF_ITS_OWN)[:, None], own, wide)


def _ladder(panel: Panel, rows: Rows, known: Levels) -> list[tuple[str, Floats]]:
    """Reasons and (N,) units of rows of one origin, best first, NaN where a statistic has nothing to say."""
    weekday = weekdays(panel.days)[rows.date]
    share = launches.growth(known.ramp, launches.ages(panel, rows))
    factor = known.shape[rows.series, weekday] * share
    by_others = [
        ("the product's mean over stores, at this store's level", known.elsewhere),
        ("products of its family nearest in price", known.nearest),
        ("the mean of its family in the store", known.family),
        ("the mean of its family in the chain", known.relatives),
        ("the store's mean over products", known.store),
        ("the chain's mean over products", known.chain),
    ]
    guess = _first_known([values for _, values in by_others])
    prior = np.where(np.isnan(guess), 0, GUESS_DAYS)
    own = (known.own * known.due + np.nan_to_num(guess) * prior) / (known.due + prior)
    before = np.where(np.isnan(known.own), _before_the_gap(panel, int(rows.origin[0])), np.nan)
    return [
        (OF_ITS_OWN[0], _same_weekdays(panel, rows)),
        *(
            (text, floats(values[rows.series] * factor))
            for text, values in ((OF_ITS_OWN[1], own), (OF_ITS_OWN[2], before), *by_others)
        ),
    ]


def _late(panel: Panel, days: int) -> Panel:
    """The last days of the history; only good for what :mod:`lib.features.history` looks at."""
    cut = max(panel.history - days, 0)
    almanac = replace(panel.almanac, event=panel.almanac.event[:, cut:])
    sales, demand, shut = (values[:, cut:] for values in (panel.sales, panel.demand, panel.shut))
    return replace(panel, days=panel.days[cut:], almanac=almanac, sales=sales, demand=demand, shut=shut)


def _same_weekdays(panel: Panel, rows: Rows) -> Floats:
    """(N,) mean of the last ordinary same weekdays."""
    return mean_of(lifecycle.same_weekdays(panel, rows))


def _first_known(values: list[Doubles]) -> Doubles:
    """(S,) the first that is known."""
    found = values[0]
    for other in values[1:]:
        found = np.where(np.isnan(found), other, found)
    return found


def _before_the_gap(panel: Panel, origin: int) -> Doubles:
    """(S,) mean of the last LEVEL_DAYS days that are known; NaN if none is."""
    demand = panel.demand[:, : origin + 1]
    later = np.cumsum(~np.isnan(demand)[:, ::-1], axis=1)[:, ::-1]
    use = ~np.isnan(demand) & (later <= history.LEVEL_DAYS)
    days = use.sum(axis=1)
    total = np.where(use, demand, 0).sum(axis=1, dtype=np.float64)
    return np.where(days > 0, total / np.maximum(days, 1), np.nan)
