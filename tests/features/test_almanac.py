from datetime import date

import numpy as np

from lib.features import almanac
from lib.features.almanac import Almanac
from lib.features.arrays import Days
from tests.panels import rows

DAYS: Days = np.arange("2017-01-01", "2019-05-01", dtype="datetime64[D]")
STORES = rows("stores", {"store": "A", "zone": "1"}, {"store": "B", "zone": "2"})
BADEN = ("DE", "BW")


def built(*events: dict[str, object], place: tuple[str | None, str | None] = BADEN) -> Almanac:
    return almanac.build(rows("events", *events).drop("known_from", strict=False), STORES, DAYS, place=place)


def index(day: date) -> int:
    return int((np.datetime64(day) - DAYS[0]).astype(int))


def test_good_friday_has_its_name_without_any_events_table() -> None:
    found = built()
    assert found.names[found.holiday[0, index(date(2019, 4, 19))]] == "Good Friday"


def test_a_country_nobody_knows_has_no_holidays() -> None:
    assert not built(place=("ZZ", None)).holiday.any()
    assert not built(place=(None, None)).holiday.any()


def test_the_laws_name_goes_before_a_mere_label() -> None:
    label = {"date": date(2019, 4, 19), "name": "public holiday", "kind": "public_holiday"}
    own = {"date": date(2019, 3, 5), "name": "Carnival", "kind": "public_holiday"}
    found = built(label, own)
    assert found.names[found.holiday[0, index(date(2019, 4, 19))]] == "Good Friday"
    assert found.names[found.holiday[0, index(date(2019, 3, 5))]] == "Carnival"


def test_school_holidays_hold_in_their_own_zone_only() -> None:
    found = built({"date": date(2019, 3, 4), "name": "winter", "kind": "school_holiday", "zone": "2"})
    assert found.school[:, index(date(2019, 3, 4))].tolist() == [False, True]


def test_an_event_of_one_store_is_that_stores_alone() -> None:
    found = built({"date": date(2019, 3, 4), "name": "refit", "kind": "closure", "store": "A"})
    assert found.closure[:, index(date(2019, 3, 4))].tolist() == [True, False]


def test_christmas_eve_is_compared_with_christmas_eves() -> None:
    found = built()
    earlier = found.earlier[:, 0, index(date(2018, 12, 24))]
    assert [str(DAYS[day]) for day in earlier if day >= 0] == ["2017-12-24"]


def test_earlier_days_of_an_event_always_lie_before_it() -> None:
    found = built()
    assert (found.earlier < np.arange(len(DAYS))).all()


def test_the_friday_after_ascension_is_a_bridge_day() -> None:
    found = built()
    assert found.bridge[0, index(date(2018, 5, 11))]
    assert not found.bridge[0, index(date(2018, 5, 18))]


def test_days_far_from_any_holiday_are_ordinary() -> None:
    found = built()
    assert found.ordinary[0, index(date(2018, 3, 14))]
    assert not found.ordinary[0, index(date(2018, 3, 28))]
