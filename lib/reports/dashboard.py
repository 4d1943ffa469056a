"""The state of the house as one HTML page that asks nothing from outside: managers read the top, engineers the rest."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import plotly.graph_objects as go
import plotly.io
import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lib.reports.message import long_day, number, percent, short_day, whole

_SHOWN_STORES, _SHOWN_WARNINGS, _SHOWN_PUBLICATIONS = 20, 100, 14
_FALLBACK_SHARE = 0.05
_SHORT_AXIS, _DAY_IN_MS = 8, 86_400_000
_SEVERITIES = ("critical", "warning", "info")
_INK, _BLUE, _GREY, _RED, _AMBER = "#1f2933", "#1f5f8b", "#8a94a0", "#b42318", "#d98e04"
_COLOURS = {"critical": _RED, "warning": _AMBER, "info": _GREY}


@dataclass(frozen=True, slots=True, eq=False)
class Dashboard:
    """What the page shows; any frame may be empty.

    `accuracy` (date, horizon) and `stores` (store, name; the last 28 scored days) carry the sums abs_error, error,
    actual and incumbent_abs_error (null where there was no incumbent). `steps` of the newest run: step, started_at,
    ended_at, seconds, state. `durations`: as_of, step, seconds. `training`: as_of, rmse_train, rmse_validation, fa,
    bias. `warnings`: as_of, step, code, severity, table, count, message. `warning_counts`: as_of, severity, count.
    `forecast_mix`: method, rows. `published`: publication_id, as_of, rows, published_at.
    """

    chain: str
    as_of: date
    generated_at: datetime
    accuracy: pl.DataFrame
    stores: pl.DataFrame
    steps: pl.DataFrame
    durations: pl.DataFrame
    training: pl.DataFrame
    warnings: pl.DataFrame
    warning_counts: pl.DataFrame
    forecast_mix: pl.DataFrame
    published: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Light:
    """How the night went: `ok`, `degraded`, `held` or `none`, with the reasons in words."""

    state: str
    title: str
    reasons: tuple[str, ...]


def render(dashboard: Dashboard) -> bytes:
    """The page as UTF-8; bytes depend on nothing but the dashboard."""
    environment = Environment(
        loader=PackageLoader("lib.reports", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[],
    )
    environment.filters |= {"day": short_day, "number": _number, "accuracy": _percent, "bias": bias_in_words}
    daily = _daily(dashboard.accuracy)
    page = environment.get_template("dashboard.html.j2").render(
        chain=dashboard.chain,
        night=long_day(dashboard.as_of),
        generated=f"{dashboard.generated_at:%Y-%m-%d %H:%M} {dashboard.generated_at.tzname() or ''}".strip(),
        light=night(dashboard),
        tiles=_tiles(daily),
        charts=_charts(dashboard, daily),
        stores=_stores(dashboard.stores),
        store_count=dashboard.stores.height,
        steps=_rows(dashboard.steps, "started_at"),
        trained=_rows(dashboard.training, "as_of")[-1:],
        mix=_mix(dashboard.forecast_mix),
        warnings=_warnings(dashboard.warnings),
        warning_count=dashboard.warnings.height,
        published=_rows(dashboard.published, "published_at", descending=True)[:_SHOWN_PUBLICATIONS],
        plotly=Markup(get_plotlyjs()),  # noqa: S704 - the library's own script, no data in it
    )
    return page.encode()


def night(dashboard: Dashboard) -> Light:
    """Judge the night: held without a publication, degraded when a person should look, else ok."""
    nights = [row["as_of"] for row in _rows(dashboard.published, "as_of")]
    if not nights and dashboard.steps.is_empty():
        return Light("none", "No night has run yet", ("The first run fills this page.",))
    reasons = [*_failed(dashboard.steps), *_warned(dashboard), *_fallen_back(dashboard.forecast_mix)]
    if dashboard.as_of not in nights:
        live = f"The forecast of {short_day(nights[-1])} stays live." if nights else "No forecast is live."
        return Light("held", "Night held: nothing new was published", (live, *reasons))
    if reasons:
        return Light("degraded", "Night degraded: the forecast is out, with remarks", tuple(reasons))
    return Light("ok", "Night ok: the forecast is out", ("Every step completed and no check complained.",))


def accuracy(sums: pl.DataFrame, error: str = "abs_error") -> float | None:
    """1 - sum|F-A| / sum A over the rows that have the error; None without sales."""
    if sums.is_empty():
        return None
    known = sums.filter(pl.col(error).is_not_null())
    sold = _sum(known, "actual")
    return 1 - _sum(known, error) / sold if sold > 0 else None


def bias(sums: pl.DataFrame) -> float | None:
    """sum(F-A) / sum A; None without sales."""
    sold = _sum(sums, "actual") if sums.height else 0
    return _sum(sums, "error") / sold if sold > 0 else None


def bias_in_words(share: float | None) -> str:
    """Like `we forecast 2 % too much`."""
    if share is None:
        return "not known yet"
    units = whole(abs(share) * 100)
    if units == 0:
        return "we forecast neither too much nor too little"
    return f"we forecast {units}\N{NO-BREAK SPACE}% too {'much' if share > 0 else 'little'}"


def _failed(steps: pl.DataFrame) -> list[str]:
    if steps.is_empty():
        return ["No step of this night is on record."]
    # A step that was tried again counts by its last try.
    last = {row["step"]: row["state"] for row in _rows(steps, "started_at")}
    return [f"Step {step} failed." for step, state in last.items() if state != "completed"]


def _warned(dashboard: Dashboard) -> list[str]:
    """One sentence a severity; info asks nobody to act."""
    if dashboard.warnings.is_empty():
        return []
    tonight = dashboard.warnings.filter(pl.col("as_of") == dashboard.as_of)
    found = {severity: tonight.filter(pl.col("severity") == severity).height for severity in _SEVERITIES[:2]}
    nouns = {"critical": "critical finding", "warning": "warning"}
    return [f"{count} {nouns[name]}{'s' if count > 1 else ''}, listed below." for name, count in found.items() if count]


def _fallen_back(mix: pl.DataFrame) -> list[str]:
    rows = {row["method"]: row["rows"] for row in mix.to_dicts()}
    served = sum(count for method, count in rows.items() if method != "closed")
    share = rows.get("fallback", 0) / served if served else 0
    return [f"{percent(share)} of the forecasts are simple estimates."] if share > _FALLBACK_SHARE else []


def _daily(scores: pl.DataFrame) -> pl.DataFrame:
    """Sums per date of its newest forecast, what the bakers baked by; oldest first."""
    if scores.is_empty():
        return scores
    return scores.filter(pl.col("horizon") == pl.col("horizon").min().over("date")).sort("date")


def _tiles(daily: pl.DataFrame) -> list[dict[str, Any]]:
    """Accuracy, incumbent and bias of the last scored day, week and four weeks."""
    last = daily.get_column("date").max() if daily.height else None
    if not isinstance(last, date):
        return []
    spans = ((short_day(last), 1), ("Last 7 days", 7), ("Last 28 days", 28))
    tiles = []
    for name, days in spans:
        sums = daily.filter(pl.col("date") > last - timedelta(days=days))
        tiles.append({"name": name, "fa": accuracy(sums), "bias": bias(sums), "incumbent": _incumbent(sums)})
    return tiles


def _incumbent(sums: pl.DataFrame) -> float | None:
    return accuracy(sums, "incumbent_abs_error")


def _stores(stores: pl.DataFrame) -> list[dict[str, Any]]:
    """The stores that need attention first."""
    rows = [
        {"name": row["name"] or row["store"], "sold": row["actual"], **_judged(stores.slice(place, 1))}
        for place, row in enumerate(stores.to_dicts())
    ]
    worst = sorted(rows, key=lambda row: (row["fa"] is None, row["fa"] or 0, row["name"]))
    return worst[:_SHOWN_STORES]


def _judged(sums: pl.DataFrame) -> dict[str, float | None]:
    return {"fa": accuracy(sums), "bias": bias(sums), "incumbent": _incumbent(sums)}


def _mix(mix: pl.DataFrame) -> list[dict[str, Any]]:
    total = sum(row["rows"] for row in mix.to_dicts())
    return [{**row, "share": row["rows"] / total} for row in _rows(mix, "rows", "method", descending=True) if total]


def _warnings(warnings: pl.DataFrame) -> list[dict[str, Any]]:
    """Newest night first, and in a night the gravest finding first."""
    rank = {severity: place for place, severity in enumerate(reversed(_SEVERITIES))}
    rows = _rows(warnings, "as_of", "step", "code")
    return sorted(rows, key=lambda row: (row["as_of"], rank.get(row["severity"], -1)), reverse=True)[:_SHOWN_WARNINGS]


def _charts(dashboard: Dashboard, daily: pl.DataFrame) -> dict[str, Markup | None]:
    """HTML of each chart by name; None where there is nothing to draw yet."""
    built: dict[str, Callable[[], go.Figure | None]] = {
        "accuracy": lambda: _accuracy_chart(daily),
        "bias": lambda: _bias_chart(daily),
        "horizons": lambda: _horizon_chart(dashboard.accuracy),
        "durations": lambda: _lines(dashboard.durations, "step", "seconds", "seconds"),
        "training": lambda: _training_chart(dashboard.training),
        "warnings": lambda: _warning_chart(dashboard.warning_counts),
    }
    return {name: _drawn(name, build()) for name, build in built.items()}


def _drawn(name: str, figure: go.Figure | None) -> Markup | None:
    if figure is None:
        return None
    figure.update_layout(
        template="none",
        font={"family": "system-ui, Arial, sans-serif", "size": 13, "color": _INK},
        margin={"l": 48, "r": 12, "t": 8, "b": 36},
        height=280,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        bargap=0.3,
    )
    figure.update_yaxes(gridcolor="#e4e7eb", zerolinecolor=_GREY, automargin=True)
    figure.update_xaxes(showgrid=False, automargin=True, tickangle=0, nticks=7)
    config = {"displayModeBar": False, "responsive": True}
    html = plotly.io.to_html(figure, config=config, include_plotlyjs=False, full_html=False, div_id=f"chart-{name}")
    return Markup(html)  # noqa: S704 - plotly escapes the data it embeds; a test plants a script


def _accuracy_chart(daily: pl.DataFrame) -> go.Figure | None:
    if daily.is_empty():
        return None
    days = _by(daily, "date")
    ours = [accuracy(sums) for _, sums in days]
    theirs = [_incumbent(sums) for _, sums in days]
    dates = [day for day, _ in days]
    figure = go.Figure()
    figure.add_scatter(x=dates, y=theirs, name="Simple statistics", line={"color": _GREY, "dash": "dot", "width": 2})
    figure.add_scatter(x=dates, y=ours, name="Fournil", line={"color": _BLUE, "width": 3})
    return _whole_days(figure.update_yaxes(tickformat=".0%"), dates)


def _bias_chart(daily: pl.DataFrame) -> go.Figure | None:
    if daily.is_empty():
        return None
    days = _by(daily, "date")
    shares = [bias(sums) for _, sums in days]
    colours = [_AMBER if share is not None and share > 0 else _BLUE for share in shares]
    figure = go.Figure()
    figure.add_bar(x=[day for day, _ in days], y=shares, marker_color=colours, name="too much (+), too little (-)")
    return _whole_days(figure.update_yaxes(tickformat="+.0%"), [day for day, _ in days])


def _whole_days(figure: go.Figure, days: list[date]) -> go.Figure:
    """Ticks on days: plotly would part a short axis into hours and less."""
    short = (max(days) - min(days)).days <= _SHORT_AXIS
    return figure.update_xaxes(dtick=_DAY_IN_MS, tickformat="%d %b") if short else figure


def _horizon_chart(scores: pl.DataFrame) -> go.Figure | None:
    last = scores.get_column("date").max() if scores.height else None
    if not isinstance(last, date):
        return None
    horizons = _by(scores.filter(pl.col("date") > last - timedelta(days=28)), "horizon")
    ahead = [horizon for horizon, _ in horizons]
    figure = go.Figure()
    figure.add_bar(x=ahead, y=[accuracy(sums) for _, sums in horizons], name="Fournil", marker_color=_BLUE)
    theirs = [_incumbent(sums) for _, sums in horizons]
    figure.add_bar(x=ahead, y=theirs, name="Simple statistics", marker_color="#cbd2d9")
    return figure.update_yaxes(tickformat=".0%").update_xaxes(title="days ahead", dtick=1)


def _training_chart(training: pl.DataFrame) -> go.Figure | None:
    if training.is_empty():
        return None
    kinds = {"rmse_train": "training", "rmse_validation": "validation"}
    long = [
        training.select("as_of", pl.lit(name).alias("kind"), pl.col(column).alias("rmse"))
        for column, name in kinds.items()
    ]
    return _lines(pl.concat(long), "kind", "rmse", "RMSE, units")


def _warning_chart(counts: pl.DataFrame) -> go.Figure | None:
    if counts.is_empty():
        return None
    figure = go.Figure()
    for severity in reversed(_SEVERITIES):
        own = counts.filter(pl.col("severity") == severity).sort("as_of")
        if own.height:
            x, y = own.get_column("as_of").to_list(), own.get_column("count").to_list()
            figure.add_bar(x=x, y=y, name=severity, marker_color=_COLOURS[severity])
    return _whole_days(figure.update_layout(barmode="stack"), counts.get_column("as_of").to_list())


def _lines(frame: pl.DataFrame, group: str, value: str, title: str) -> go.Figure | None:
    """One line a group over `as_of`, told apart by dashes as well as by colour."""
    if frame.is_empty():
        return None
    figure = go.Figure()
    looks = itertools.cycle(itertools.product(("solid", "dash", "dot"), (_BLUE, _AMBER, _GREY, _RED)))
    for (name, own), (dash, colour) in zip(_by(frame.sort("as_of"), group), looks, strict=False):
        x, y = own.get_column("as_of").to_list(), own.get_column(value).to_list()
        line = {"color": colour, "dash": dash, "width": 2}
        figure.add_scatter(x=x, y=y, name=str(name), mode="lines+markers", line=line, marker={"size": 5})
    figure.update_yaxes(title=title, rangemode="tozero")
    return _whole_days(figure, frame.get_column("as_of").to_list())


def _by(frame: pl.DataFrame, column: str) -> Sequence[tuple[Any, pl.DataFrame]]:
    """The frame's groups in the order of their key."""
    return sorted((key, own) for (key,), own in frame.partition_by(column, as_dict=True).items())


def _percent(share: float | None) -> str:
    return "–" if share is None else percent(share)


def _number(value: float | None) -> str:
    return "–" if value is None else number(whole(value))


def _sum(frame: pl.DataFrame, column: str) -> float:
    return float(frame.get_column(column).sum())


def _rows(frame: pl.DataFrame, *order: str, descending: bool = False) -> list[dict[str, Any]]:
    """Rows in order; an empty frame need not even have the columns."""
    return frame.sort(order, descending=descending).to_dicts() if frame.height else []
