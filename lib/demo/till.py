"""What a simulated store sells of what is wanted: stock ends, tills note the last sale, some rows arrive late."""

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.contracts.inputs import HOURS
from lib.demo.market import Market
from lib.demo.plans import Chain, Doubles, Generator, dates

OPENS = 7
BY_HOUR = np.array([0.16, 0.17, 0.12, 0.08, 0.07, 0.08, 0.06, 0.05, 0.06, 0.07, 0.08])
"""Shares of a day's demand from OPENS on, hour by hour; they add up to 1."""
LONGEST_DELAY = 5
AMPLE, SPARE = 1.8, 6.0
"""What is baked on days of plenty: so many times what is expected, and so many units."""


def sales(chain: Chain, market: Market, rng: Generator, store: str) -> dict[str, pl.DataFrame]:
    """`sales` of one store, a row per series-day in its range, sorted by day and product; `hourly` if asked for.

    Sales end with the stock: then `sold_out` is set, and the last sale is the moment at which demand had used it up.
    """
    config = chain.config
    day, product = np.nonzero(market.ranged.T)
    demand, expected = market.demand[product, day], market.expected[product, day]
    short = rng.uniform(size=len(day)) < config.stock_out_share
    stock = np.where(short, rng.uniform(0.5, 1.0, len(day)) * expected, AMPLE * expected + SPARE).astype(np.int64)
    sold = np.minimum(demand, stock)
    ran_out = demand > stock
    minute = _last_minute(rng, sold, np.where(ran_out, sold / np.maximum(demand, 1), 1.0), ran_out)
    late = np.where(rng.uniform(size=len(day)) < config.late_share, rng.integers(1, LONGEST_DELAY + 1, len(day)), 0)
    price = np.round(chain.price * (1 - market.depth), 3)[product, day]
    date = dates(chain, day)
    keys = {
        "date": date,
        "store": pl.repeat(store, len(day), dtype=pl.String, eager=True),
        "product": chain.names[product],
        "known_from": dates_after(date, late),
    }
    rows = pl.DataFrame(
        {
            **keys,
            "quantity": sold.astype(np.float64),
            "price": price,
            "sold_out": ran_out,
            "unsold": (stock - sold).astype(np.float64),
            "minute": minute,
        }
    )
    at = pl.when(pl.col("quantity") > 0).then(pl.col("date").cast(pl.Datetime("us")) + pl.duration(minutes="minute"))
    frames = {"sales": rows.with_columns(last_sale_at=at).drop("minute")}
    if config.hourly:
        frames["hourly"] = pl.DataFrame(keys).hstack(_hourly(rng, sold, minute))
    return frames


def dates_after(date: pl.Series, days: npt.NDArray[np.int64]) -> pl.Series:
    """The days so many days later."""
    return pl.Series((date.to_numpy() + days).astype("datetime64[ms]"), dtype=pl.Datetime("ms")).cast(pl.Date)


def _last_minute(
    rng: Generator, sold: npt.NDArray[np.int64], share: Doubles, ran_out: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Minute of the day of the last sale: of sold-out days when their share of demand was sold, else near closing."""
    latest = np.where(ran_out, share, rng.uniform(size=len(sold)) ** (1 / np.maximum(sold, 1)))
    hour = np.interp(latest, np.concatenate([[0], np.cumsum(BY_HOUR)]), OPENS + np.arange(len(BY_HOUR) + 1))
    return np.minimum(hour * 60, 60 * (OPENS + len(BY_HOUR)) - 1).astype(np.int64)


def _hourly(rng: Generator, sold: npt.NDArray[np.int64], minute: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Units per hour, none after the last sale, which falls into its hour."""
    hours = OPENS + np.arange(len(BY_HOUR))
    open_share = np.clip((minute[:, None] + 1) / 60 - hours, 0, 1) * BY_HOUR
    last = np.clip(minute // 60 - OPENS, 0, len(BY_HOUR) - 1)
    share = open_share / open_share.sum(axis=1, keepdims=True)
    units = rng.multinomial(np.maximum(sold - 1, 0), share)
    units[np.arange(len(sold)), last] += sold > 0
    written = dict(zip(HOURS[OPENS : OPENS + len(BY_HOUR)], units.T.astype(np.float64), strict=True))
    return pl.DataFrame({name: written.get(name, np.zeros(len(sold))) for name in HOURS})
