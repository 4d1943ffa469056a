"""Drivers of a forecast in words."""

from collections.abc import Mapping
from typing import Any

from lib.contracts.outputs import DRIVERS

WORDS = {
    "recent_level": "sales of recent days",
    "same_weekday": "this weekday in recent weeks",
    "last_year": "the same time last year",
    "season": "time of year",
    "weekday": "weekday",
    "holidays": "holidays and events",
    "school_holidays": "school holidays",
    "promotion": "promotion",
    "siblings": "promotion of similar products",
    "price": "price",
    "weather": "weather",
}
"""What people call each driver that `driver_1` ... of the forecasts may name."""
WHOLE = 10
"""Units from which an effect is said without decimals."""


def in_words(key: str, effect: float) -> str:
    """Such as "school holidays -14"; an effect of a few units keeps one decimal. A key without words is shown as it is.

    >>> in_words("school_holidays", -14.3)
    'school holidays -14'
    >>> in_words("weather", 2.26)
    'weather +2.3'
    """
    digits = 0 if abs(effect) >= WHOLE else 1
    return f"{WORDS.get(key, key.replace('_', ' '))} {effect:+.{digits}f}"


def drivers_in_words(row: Mapping[str, Any]) -> str | None:
    """The drivers of a row of forecasts, strongest first, such as "weekday +6.0, weather -2.1"; None without any."""
    named = ((row[f"driver_{place}"], row[f"effect_{place}"]) for place in range(1, DRIVERS + 1))
    return ", ".join(in_words(key, effect) for key, effect in named if key is not None) or None
