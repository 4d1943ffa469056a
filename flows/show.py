"""What the command line prints of a result."""

import json
from dataclasses import asdict, is_dataclass
from typing import Any

from lib import settings as settings_in_force
from lib.settings import Settings

NO_MODEL = (
    "no model is in use, so nights are forecast by simple estimates; the gate's limits are the settings FOURNIL_GATE__*"
)


def settings(chosen: Settings) -> str:
    """Every setting as JSON, secrets masked."""
    return json.dumps(settings_in_force.masked(chosen), indent=2, ensure_ascii=False)


def result(name: str, value: Any) -> str:  # noqa: ANN401  every flow has a result of its own
    """A few lines for people."""
    special = {
        "backtest": _backtest,
        "train": _trained,
        "weekly": _trained,
        "daily": _page,
        "monitor": _page,
        "sync": _synced,
        "replay": _replayed,
        "rollback": _returned,
    }
    if name in special:
        return special[name](value)
    if isinstance(value, list):
        return "\n".join(_line(each) for each in value)
    return value if isinstance(value, str) else _line(value)


def _trained(value: Any) -> str:  # noqa: ANN401
    model, found = value.trained.registered.title, value.trained.figures
    serves = f"{value.in_use} is in use" if value.in_use else NO_MODEL
    return (
        f"{model} {value.judged.decision}: {value.judged.reason}; {serves}\n"
        f"RMSE {found['rmse_train']:.1f} units in training and {found['rmse_validation']:.1f} on the last weeks; "
        f"accuracy there {found['fa']:.1%}, bias {found['bias']:+.1%}"
    )


def _replayed(value: Any) -> str:  # noqa: ANN401
    return "\n".join(f"{each.what} came out the same: {'; '.join((each.detail, *each.notes))}" for each in value)


def _returned(value: Any) -> str:  # noqa: ANN401
    withdrawn = f"; {value.withdrawn} withdrawn" if value.withdrawn else ""
    return f"{value.in_use} is in use again{withdrawn}; the night was forecast and delivered again"


def _synced(value: Any) -> str:  # noqa: ANN401
    lines = []
    for each in value:
        counts = ("read", "new", "changed", "closed", "quarantined")
        lines.append(f"{each.table:12}" + ", ".join(f"{getattr(each, count):,} {count}" for count in counts))
        lines += [f"  {text}" for text in (each.problem, *each.notes) if text]
        if each.quarantined > len(each.notes):
            lines.append(f"  ... all {each.quarantined:,} refused rows with their reasons are in the table quarantine")
    return "\n".join(lines)


def _page(value: str) -> str:
    return f"dashboard: {value}"


def _backtest(value: Any) -> str:  # noqa: ANN401
    forms = {
        "fa": ("FA", "{:.1%}"),
        "bias": ("bias", "{:+.1%}"),
        "rmse": ("RMSE", "{:.1f}"),
        "pinball": ("pinball", "{:.2f}"),
        "waste_cost": ("waste", "{:,.0f}"),
        "lost_cost": ("lost sales", "{:,.0f}"),
        "cost": ("together", "{:,.0f}"),
    }
    lines = []
    for truth in dict.fromkeys(row["truth"] for row in value.scores):
        rows = [row for row in value.scores if row["truth"] == truth]
        lines.append(
            f"{truth}, {rows[0]['rows']:,} rows".ljust(28) + "".join(f"{head:>12}" for head, _ in forms.values())
        )
        for row in rows:
            figures = ("-" if row[name] is None else form.format(row[name]) for name, (_, form) in forms.items())
            lines.append(f"  {row['forecaster']:26}" + "".join(f"{figure:>12}" for figure in figures))
    lines.append("waste and lost sales: currency, by each product's costs or the shares in the settings")
    lines.append(f"{value.rows:,} forecasts in {value.output}; {value.scored:,} of them scored")
    return "\n".join(lines)


def _line(value: Any) -> str:  # noqa: ANN401
    if not is_dataclass(value) or isinstance(value, type):
        return str(value)
    return ", ".join(f"{name} {part}" for name, part in asdict(value).items() if part not in ("", None))
