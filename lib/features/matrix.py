"""The one feature path: training, backtest, replay and tonight's run all ask here."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from lib.features import calendar, events, history, lags, levels, prices, promotions, weather
from lib.features.arrays import Bools, Floats, floats
from lib.features.columns import AtOrigin, Feature, Rows, SameWeekday, Scale
from lib.features.shelf import on_shelf
from lib.features.spine import Panel


@dataclass(frozen=True, slots=True)
class Matrix:
    """N rows by K features (float32, NaN where not known), and what each row is expected to sell, units (N,)."""

    values: Floats
    names: tuple[str, ...]
    expected: Floats

    def take(self, chosen: Bools) -> "Matrix":
        """The chosen rows, in order."""
        return Matrix(self.values[chosen], self.names, self.expected[chosen])


@dataclass(frozen=True, slots=True)
class Features:
    """Every column of a panel, worked out once and looked up as often as wanted."""

    columns: tuple[Feature, ...]
    usual: SameWeekday
    level: AtOrigin

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the matrix."""
        return tuple(feature.name for feature in self.columns)

    def matrix(self, rows: Rows) -> Matrix:
        """Look the rows up. What is `per expected` is divided by the row's expected sales."""
        expected = self.usual.gather(rows)
        values = np.empty((len(rows.series), len(self.columns)), np.float32)
        level = self.level.gather(rows)
        factors: dict[Scale, Floats] = {
            "as is": np.ones_like(expected),
            "per expected": floats(1 / expected),
            "level per expected": floats(level / expected),
        }
        for place, feature in enumerate(self.columns):
            values[:, place] = feature.column.gather(rows) * factors[feature.scale]
        return Matrix(values, self.names, expected)


def of(panel: Panel) -> Features:
    """The features of a panel, one module after the other."""
    usual = history.expected(panel)
    columns = (
        *calendar.features(panel),
        *lags.features(panel, usual),
        *levels.features(panel, usual),
        *events.features(panel, usual),
        *promotions.features(panel, usual),
        *prices.features(panel),
        *weather.features(panel),
    )
    return Features(columns, SameWeekday(usual), AtOrigin(history.level(panel)))


def rows_ahead(panel: Panel) -> Rows:
    """The rows to forecast as_of the panel's last day: every live series, every day ahead that it is on the shelf.

    Without an assortment that is every day of the horizon. Sorted by series and day.
    """
    series, step = np.nonzero(panel.live[:, None] & on_shelf(panel)[:, panel.history :])
    origin = np.full(len(series), panel.history - 1, np.int32)
    return Rows(series.astype(np.int32), origin, (panel.history + step).astype(np.int32))


def rows_before(panel: Panel, *, first: int, last: int, every: int) -> Rows:
    """Rows of past origins: days `first` to `last` (indices), every so many days counted back from `last`.

    Only days whose sales are known by now; sorted by origin, series and day.
    """
    origins = np.arange(last, first - 1, -every, dtype=np.int32)[::-1]
    ahead = np.arange(1, panel.horizon + 1, dtype=np.int32)
    origin, series, step = np.meshgrid(origins, np.arange(len(panel.demand), dtype=np.int32), ahead, indexing="ij")
    rows = Rows(series.ravel(), origin.ravel(), (origin + step).ravel())
    rows = rows.take(rows.date < panel.history)
    return rows.take(~np.isnan(panel.demand[rows.series, rows.date]))


def labels(panel: Panel, rows: Rows) -> pl.DataFrame:
    """Store, product, origin, date and horizon of each row."""
    day = pl.Series("date", panel.days[rows.date].astype("datetime64[ms]")).cast(pl.Date)
    return (
        panel.series[rows.series]
        .select("store", "product")
        .with_columns(
            origin=pl.Series("origin", panel.days[rows.origin].astype("datetime64[ms]")).cast(pl.Date),
            date=day,
            horizon=pl.Series("horizon", rows.horizon, dtype=pl.Int32),
        )
    )
