"""Small made-up chains: what each day sold hour by hour, and which days ran out."""

from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from lib.contracts.inputs import HOURS
from tests import panels

MONDAY = date(2024, 1, 1)
EVEN = {8: 10.0, 12: 10.0, 16: 20.0}
"""Hour by hour: a quarter is sold by nine, half by one o'clock."""


def a_day(  # noqa: PLR0913  a row of the made-up chain, most of it as usual
    number: int,
    hours: dict[int, float],
    *,
    store: str = "A",
    product: str = "x",
    out: bool | None = False,
    last: time | None = None,
) -> dict[str, Any]:
    """The day with a number from MONDAY on: units per hour, whether it ran out, time of its last sale if told."""
    day = MONDAY + timedelta(days=number)
    told = {"sold_out": out, "last_sale_at": datetime.combine(day, last) if last else None}
    per_hour = {HOURS[hour]: units for hour, units in hours.items()}
    return {"date": day, "store": store, "product": product, "quantity": sum(hours.values()), **told, **per_hour}


def week(number: int, hours: dict[int, float], **which: Any) -> list[dict[str, Any]]:  # noqa: ANN401  as `a_day`
    """Seven days alike."""
    return [a_day(number * 7 + day, hours, **which) for day in range(7)]


def sales(days: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows of `sales`."""
    return panels.rows("sales", *days)


def hourly(days: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows of `hourly`."""
    return panels.rows("hourly", *days)


def products(**family: str | None) -> pl.DataFrame:
    """Products and their families."""
    return panels.rows("products", *({"product": product, "family": name} for product, name in family.items()))


def random_chain(*, seed: int = 1, days: int = 60) -> list[dict[str, Any]]:
    """Two stores by three products of any size, a third of the days sold out somewhere in the day."""
    random = np.random.default_rng(seed)
    rows = []
    for size, (store, product) in enumerate((s, p) for s in "AB" for p in "xyz"):
        for number in range(days):
            sold = random.poisson(np.array([3, 6, 8, 5, 4, 4, 6, 7, 2]) * (size + 0.3) / 3)
            out = bool(random.random() < 1 / 3)
            open_hours = int(random.integers(1, 9)) if out else 9
            hours = {7 + hour: float(units) for hour, units in enumerate(sold[:open_hours])}
            rows.append(a_day(number, hours, store=store, product=product, out=out))
    return rows
