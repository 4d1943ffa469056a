import pytest

from lib.models.drivers import NAMES, OTHER
from lib.reports import words


def test_every_driver_that_a_forecast_may_name_has_words() -> None:
    assert set(words.WORDS) == set(NAMES) - {OTHER}


@pytest.mark.parametrize(
    ("key", "effect", "said"),
    [
        ("school_holidays", -14.3, "school holidays -14"),
        ("promotion", 120.0, "promotion +120"),
        ("weather", 2.26, "weather +2.3"),
        ("holidays", -0.6, "holidays and events -0.6"),
        ("new_driver", 9.97, "new driver +10.0"),
    ],
)
def test_a_driver_is_said_with_its_size(key: str, effect: float, said: str) -> None:
    assert words.in_words(key, effect) == said


def test_the_drivers_of_a_forecast_are_said_in_one_line() -> None:
    row = {"driver_1": "weekday", "effect_1": 6.0, "driver_2": "weather", "effect_2": -2.1}
    assert words.drivers_in_words({**row, "driver_3": None, "effect_3": None}) == "weekday +6.0, weather -2.1"
    assert words.drivers_in_words(dict.fromkeys([*row, "driver_3", "effect_3"])) is None
