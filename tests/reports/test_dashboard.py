import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, sync_playwright

from lib.reports.dashboard import Dashboard, accuracy, bias, bias_in_words, night, render
from tests.real_parts import require

NIGHT = date(2019, 4, 30)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def sums(**columns: list[object]) -> pl.DataFrame:
    return pl.DataFrame(columns, strict=False)


def scored(days: int = 40, horizons: int = 7) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "date": NIGHT - timedelta(days=day),
                "horizon": horizon,
                "abs_error": 150.0 + 10 * horizon + 7 * (day % 5),
                "error": 20.0 - 9 * (day % 6),
                "actual": 1000.0,
                "incumbent_abs_error": 230.0 + 6 * (day % 7),
            }
            for day in range(days)
            for horizon in range(1, horizons + 1)
        ]
    )


def moment(hour: int, minute: int = 0) -> datetime:
    return datetime(2019, 5, 1, hour, minute, tzinfo=UTC)


def filled() -> Dashboard:
    steps, nights = ("sync", "check", "forecast", "deliver", "monitor"), [NIGHT - timedelta(days=n) for n in range(14)]
    return Dashboard(
        chain="Bakery & Sons",
        as_of=NIGHT,
        generated_at=moment(2, 41),
        accuracy=scored(),
        stores=pl.DataFrame(
            [
                {
                    "store": str(number),
                    "name": f"Store {number}",
                    "abs_error": 900.0 + 40 * number,
                    "error": 260.0 - 30 * number,
                    "actual": 6000.0,
                    "incumbent_abs_error": 1600.0,
                }
                for number in range(1, 31)
            ]
        ),
        steps=pl.DataFrame(
            [
                {"step": step, "started_at": moment(2, n), "ended_at": moment(2, n + 1), "seconds": 9.5 + n}
                for n, step in enumerate(steps)
            ]
        ).with_columns(state=pl.lit("completed")),
        durations=pl.DataFrame(
            [
                {"as_of": day, "step": step, "seconds": 5.0 + 3 * n + day.day % 4}
                for day in nights
                for n, step in enumerate(steps)
            ]
        ),
        training=pl.DataFrame(
            {
                "as_of": [NIGHT - timedelta(weeks=n) for n in range(5)],
                "rmse_train": [18.0, 18.4, 18.1, 19.0, 18.8],
                "rmse_validation": [21.0, 21.5, 20.9, 22.0, 22.3],
                "fa": [0.83, 0.83, 0.82, 0.82, 0.81],
                "bias": [0.01, 0.02, -0.01, 0.0, 0.0],
            }
        ),
        warnings=warned("info", "warning"),
        warning_counts=pl.DataFrame(
            [
                {"as_of": day, "severity": severity, "count": count + day.day % 3}
                for day in nights
                for severity, count in (("warning", 2), ("info", 5))
            ]
        ),
        forecast_mix=pl.DataFrame({"method": ["model", "fallback", "closed"], "rows": [660, 12, 63]}),
        published=pl.DataFrame(
            {
                "publication_id": [f"pub-{day}" for day in nights],
                "as_of": nights,
                "rows": [735] * 14,
                "published_at": [moment(2) - timedelta(days=n) for n in range(14)],
            }
        ),
    )


def warned(*severities: str, message: str = "3 rows of sales name an unknown store; add it to stores") -> pl.DataFrame:
    row = {"as_of": NIGHT, "step": "check", "code": "unknown_store", "table": "sales", "count": 3, "message": message}
    return pl.DataFrame([{**row, "severity": severity} for severity in severities])


def empty(**changes: object) -> Dashboard:
    frames = {field.name: pl.DataFrame() for field in fields(Dashboard) if field.type is pl.DataFrame}
    values: dict[str, object] = {"chain": "Bakery", "as_of": NIGHT, "generated_at": moment(2), **frames, **changes}
    return Dashboard(**values)  # type: ignore[arg-type] # the frames are made from the dataclass's own fields


def words(dashboard: Dashboard) -> str:
    """What a reader sees, without scripts, style and tags."""
    html = re.sub(r"<(script|style).*?</\1>", "", render(dashboard).decode(), flags=re.DOTALL)
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


def test_accuracy_is_computed_from_sums_not_from_daily_percentages() -> None:
    two_days = sums(abs_error=[1.0, 90.0], error=[1.0, -90.0], actual=[10.0, 190.0], incumbent_abs_error=[5.0, 95.0])
    assert accuracy(two_days) == pytest.approx(1 - 91 / 200)
    assert bias(two_days) == pytest.approx(-89 / 200)
    assert accuracy(two_days, "incumbent_abs_error") == pytest.approx(0.5)


def test_a_day_without_incumbent_does_not_count_as_a_perfect_incumbent() -> None:
    days = sums(abs_error=[1.0, 1.0], error=[0.0, 0.0], actual=[10.0, 10.0], incumbent_abs_error=[None, 4.0])
    assert accuracy(days, "incumbent_abs_error") == pytest.approx(0.6)


def test_without_sales_nothing_is_claimed() -> None:
    nothing = sums(abs_error=[3.0], error=[3.0], actual=[0.0], incumbent_abs_error=[None])
    assert (accuracy(nothing), bias(nothing), accuracy(nothing, "incumbent_abs_error")) == (None, None, None)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.021, "we forecast 2\N{NO-BREAK SPACE}% too much"),
        (-0.13, "we forecast 13\N{NO-BREAK SPACE}% too little"),
        (0.004, "we forecast neither too much nor too little"),
        (None, "not known yet"),
    ],
)
def test_bias_is_said_in_words(share: float | None, said: str) -> None:
    assert bias_in_words(share) == said


def test_a_night_that_published_without_remarks_is_ok() -> None:
    assert night(replace(filled(), warnings=warned("info"))).state == "ok"


def test_a_night_with_a_warning_is_degraded_and_says_so() -> None:
    light = night(filled())
    assert (light.state, light.reasons) == ("degraded", ("1 warning, listed below.",))


def test_a_step_that_failed_degrades_the_night_until_a_later_try_completes() -> None:
    calm = replace(filled(), warnings=pl.DataFrame())
    failed = calm.steps.with_columns(state=pl.lit("failed")).filter(pl.col("step") == "deliver")
    later = calm.steps.filter(pl.col("step") != "deliver")
    assert night(replace(calm, steps=pl.concat([later, failed]))).reasons == ("Step deliver failed.",)
    first = failed.with_columns(started_at=pl.lit(moment(1)))
    assert night(replace(calm, steps=pl.concat([calm.steps, first]))).state == "ok"


def test_many_simple_estimates_degrade_the_night() -> None:
    mix = pl.DataFrame({"method": ["model", "fallback", "closed"], "rows": [60, 40, 500]})
    light = night(replace(filled(), warnings=pl.DataFrame(), forecast_mix=mix))
    assert light.reasons == ("40\N{NO-BREAK SPACE}% of the forecasts are simple estimates.",)


def test_a_night_without_publication_is_held_and_names_the_forecast_that_stays_live() -> None:
    dashboard = replace(filled(), as_of=NIGHT + timedelta(days=1))
    light = night(dashboard)
    assert light.state == "held"
    assert light.reasons[0] == "The forecast of Tue 30 Apr stays live."


def test_a_house_that_never_ran_explains_every_empty_section() -> None:
    page = words(empty())
    assert "No night has run yet" in page
    assert "it appears the night after the first forecast day" in page
    assert render(empty()).count(b'class="missing"') == 12
    assert b"plotly.js" not in render(empty())


def test_each_frame_may_be_empty_on_its_own() -> None:
    frames = [field.name for field in fields(Dashboard) if field.type is pl.DataFrame]
    complete = render(filled()).count(b'class="missing"')
    for frame in frames:
        bare = {frame: getattr(filled(), frame).clear()}
        assert render(replace(filled(), **bare)).count(b'class="missing"') > complete


def test_the_top_says_how_good_the_last_days_were_against_simple_statistics() -> None:
    page = words(filled())
    assert "Tue 30 Apr 84\N{NO-BREAK SPACE}% simple statistics: 77\N{NO-BREAK SPACE}%" in page
    assert "we forecast 2\N{NO-BREAK SPACE}% too much" in page


def test_the_weakest_stores_come_first_and_the_rest_is_counted() -> None:
    page = words(filled())
    assert page.index("Store 30") < page.index("Store 29") < page.index("Store 11")
    assert "20 of 30" in page
    assert "Store 10 " not in page


def test_text_from_the_data_never_becomes_markup() -> None:
    nasty = "</script><script>alert(1)</script>"
    durations = filled().durations.with_columns(step=pl.lit(nasty))
    page = render(replace(filled(), chain=nasty, warnings=warned("warning", message=nasty), durations=durations))
    assert b"<script>alert(1)" not in page


def test_equal_dashboards_give_equal_bytes_in_any_row_order() -> None:
    shuffled = {
        field.name: getattr(filled(), field.name).sample(fraction=1, shuffle=True, seed=3)
        for field in fields(Dashboard)
        if field.type is pl.DataFrame
    }
    assert render(replace(filled(), **shuffled)) == render(filled())


def test_the_page_is_one_file_below_6_mb_that_loads_nothing() -> None:
    page = render(filled())
    assert len(page) < 6_000_000
    own = re.sub(r"<script>/\*\*.*?</script>", "", page.decode(), flags=re.DOTALL)
    assert len(own) < 200_000
    assert re.findall(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", own) == []
    assert re.findall(r"@import|url\(", own) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_a_browser_shows_the_page_without_errors_and_without_asking_outside(
    browser: Browser, tmp_path: Path, width: int, height: int
) -> None:
    file = tmp_path / "dashboard.html"
    file.write_bytes(render(filled()))
    page = browser.new_page(viewport={"width": width, "height": height})
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: errors.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelectorAll('.main-svg').length >= 6")
    drawn = page.locator(".plotly-graph-div:has(.main-svg)").count()
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    page.close()
    assert errors == []
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [file.as_uri()]
    assert drawn == 6
    assert overflow <= 0
