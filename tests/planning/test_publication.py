from datetime import UTC, date, datetime, timedelta

import polars as pl

from lib.contracts import OUTPUTS
from lib.planning import publication

AS_OF = date(2019, 4, 16)
MORNING = datetime(2019, 4, 17, 3, tzinfo=UTC)


def published(ledger: pl.DataFrame, forecast_id: str, *, hours: int = 0, as_of: date = AS_OF) -> pl.DataFrame:
    details = {"rows": 7, "published_at": MORNING + timedelta(hours=hours), "run_id": "run"}
    return pl.concat([ledger, publication.entry(ledger, details, as_of=as_of, forecast_id=forecast_id)])


def test_the_same_forecast_is_published_once() -> None:
    ledger = published(OUTPUTS["publications"].empty(), "one")
    assert published(ledger, "one", hours=1).height == 1


def test_another_forecast_of_the_night_takes_the_place_of_the_first() -> None:
    ledger = published(published(OUTPUTS["publications"].empty(), "one"), "two", hours=1)
    assert ledger["publication_id"].to_list() == ["2019-04-17-1", "2019-04-17-2"]
    assert publication.live(ledger)["forecast_id"].to_list() == ["two"]


def test_going_back_to_the_first_forecast_is_a_publication_of_its_own() -> None:
    ledger = published(published(OUTPUTS["publications"].empty(), "one"), "two", hours=1)
    assert publication.live(published(ledger, "one", hours=2))["publication_id"].to_list() == ["2019-04-17-3"]


def test_the_tenth_publication_of_a_night_comes_after_the_ninth() -> None:
    ledger = OUTPUTS["publications"].empty()
    for number in range(10):
        ledger = published(ledger, str(number))
    assert publication.live(ledger)["publication_id"].to_list() == ["2019-04-17-10"]
    assert published(ledger, "9").height == 10


def test_yesterday_is_measured_by_the_newest_forecast_that_reached_to_it() -> None:
    ledger = published(OUTPUTS["publications"].empty(), "week before", as_of=AS_OF - timedelta(days=6))
    ledger = published(ledger, "night before", as_of=AS_OF - timedelta(days=1))
    ledger = published(ledger, "tonight")
    assert publication.newest_for(ledger, AS_OF, before=AS_OF, horizon=7) == "night before"
    assert publication.newest_for(ledger, AS_OF + timedelta(days=9), before=AS_OF, horizon=7) is None


def test_a_held_store_is_left_out_and_a_degraded_one_says_why() -> None:
    forecasts = pl.DataFrame(
        {
            "store": ["A", "B", "C", "C"],
            "method": ["model", "model", "model", "closed"],
            "reason": [None, None, "young", None],
        }
    )
    verdicts = pl.DataFrame(
        {"store": ["A", "C"], "verdict": ["hold", "degrade"], "reason": ["no data", "sales are late"]}
    )
    kept = publication.with_verdicts(forecasts, verdicts)
    assert kept["store"].to_list() == ["B", "C", "C"]
    assert kept["reason"].to_list() == [None, "young; sales are late", None]
