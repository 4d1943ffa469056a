"""What the command line prints of a result."""

import json
from dataclasses import asdict, is_dataclass
from typing import Any

from lib import settings as settings_in_force
from lib.settings import Settings


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
    }
    if name in special:
        return special[name](value)
    if isinstance(value, list):
        return "\n".join(_line(each) for each in value)
    return value if isinstance(value, str) else _line(value)


def _trained(value: Any) -> str:  # noqa: ANN401
    found = value.figures
    return (
        f"{value.registered.title} is in use: RMSE {found['rmse_train']:.1f} units in training and "
        f"{found['rmse_validation']:.1f} on the last weeks; accuracy there {found['fa']:.1%}, bias {found['bias']:+.1%}"
    )


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
    heads = ("forecaster", "FA", "bias", "RMSE", "pinball")
    lines = [f"{heads[0]:16}" + "".join(f"{head:>10}" for head in heads[1:])]
    forms = {"fa": "{:.1%}", "bias": "{:+.1%}", "rmse": "{:.1f}", "pinball": "{:.2f}"}
    for row in value.scores:
        figures = ("-" if row[name] is None else form.format(row[name]) for name, form in forms.items())
        lines.append(f"{row['forecaster']:16}" + "".join(f"{figure:>10}" for figure in figures))
    lines.append(f"{value.rows:,} forecasts in {value.output}; {value.scored:,} of them scored on sales")
    return "\n".join(lines)


def _line(value: Any) -> str:  # noqa: ANN401
    if not is_dataclass(value) or isinstance(value, type):
        return str(value)
    return ", ".join(f"{name} {part}" for name, part in asdict(value).items() if part not in ("", None))
