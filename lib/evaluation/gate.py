"""The gate: a challenger replaces the champion only if it is no worse in accuracy, bias and euros, in no store."""

from dataclasses import dataclass

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

CHALLENGER, CHAMPION, INCUMBENT, NAIVE = "challenger", "champion", "incumbent", "seasonal_naive"
SUMS = ("abs_error", "error", "actual", "cost")


class GateConfig(BaseModel):
    """What counts as no worse: differences below these are taken for chance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weeks: int = Field(
        4, ge=1, le=8, description="last weeks on which models are compared; at most half the validation"
    )
    fa_slack: float = Field(0.005, ge=0, description="FA that may be lost")
    bias_slack: float = Field(0.01, ge=0, description="by which the bias may move away from 0")
    first_bias: float = Field(0.15, ge=0, description="largest bias of a model that has no champion to be held against")
    cost_slack: float = Field(0.01, ge=0, description="share by which waste and lost sales together may cost more")
    store_slack: float = Field(0.05, ge=0, description="FA that a single store may lose")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the challenger is put to use, why, and the figures of all contestants."""

    promoted: bool
    reason: str
    figures: dict[str, float]


def decide(contest: pl.DataFrame, config: GateConfig) -> Decision:
    """Judge a contest: rows of contestant and store with the additive SUMS (units and currency).

    Without a champion the rival is the incumbent, whose bias is near 0 by its nature: then only a large bias counts.
    The seasonal naive must be beaten in any case. Where nothing is known of the last weeks nothing is put to use.
    """
    totals = {
        str(row["contestant"]): _figures(row)
        for row in contest.group_by("contestant").agg(pl.col(SUMS).sum()).iter_rows(named=True)
    }
    if CHALLENGER not in totals:
        return Decision(promoted=False, reason="no sales of the last weeks are known to compare models on", figures={})
    rival = CHAMPION if CHAMPION in totals else INCUMBENT
    challenger = totals[CHALLENGER]
    faults = [
        *_worse(challenger, totals[rival], rival, config),
        *(
            f"FA {challenger['fa']:.1%} does not beat the {_said(NAIVE)}'s"
            for _ in _unbeaten(challenger, totals[NAIVE])
        ),
        *_poor_stores(contest, rival, config),
    ]
    figures = {f"{name}.{figure}": value for name, of in sorted(totals.items()) for figure, value in of.items()}
    reason = "; ".join(faults) if faults else _praise(challenger, totals[rival], rival)
    return Decision(not faults, reason, figures)


def _figures(sums: dict[str, float]) -> dict[str, float]:
    sold = sums["actual"] or 1.0
    return {"fa": 1 - sums["abs_error"] / sold, "bias": sums["error"] / sold, "cost": sums["cost"]}


def _worse(challenger: dict[str, float], rival: dict[str, float], name: str, config: GateConfig) -> list[str]:
    """In which figures the challenger loses more than chance allows."""
    faults = []
    if challenger["fa"] < rival["fa"] - config.fa_slack:
        faults.append(f"FA {challenger['fa']:.1%} against {rival['fa']:.1%} of the {_said(name)}")
    if abs(challenger["bias"]) > (config.first_bias if name == INCUMBENT else abs(rival["bias"]) + config.bias_slack):
        faults.append(f"bias {challenger['bias']:+.1%} against {rival['bias']:+.1%} of the {_said(name)}")
    if challenger["cost"] > rival["cost"] * (1 + config.cost_slack):
        faults.append(
            f"waste and lost sales {challenger['cost']:,.0f} against {rival['cost']:,.0f} of the {_said(name)}"
        )
    return faults


def _unbeaten(challenger: dict[str, float], naive: dict[str, float]) -> list[float]:
    return [naive["fa"]] if challenger["fa"] <= naive["fa"] else []


def _poor_stores(contest: pl.DataFrame, rival: str, config: GateConfig) -> list[str]:
    """The store that loses most against its floor, if one does: what the rival reaches there, less the slack."""
    fa = pl.when(pl.col("actual") > 0).then(1 - pl.col("abs_error") / pl.col("actual"))
    by_store = contest.with_columns(fa=fa).pivot("contestant", index="store", values="fa").sort("store")
    below = by_store.with_columns(gap=pl.col(rival) - config.store_slack - pl.col(CHALLENGER)).filter(pl.col("gap") > 0)
    if below.is_empty():
        return []
    worst = below.sort("gap", "store", descending=[True, False]).row(0, named=True)
    text = f"store {worst['store']} falls from FA {worst[rival]:.1%} to {worst[CHALLENGER]:.1%}"
    return [text + (f", and {below.height - 1} more stores fall below their floor" if below.height > 1 else "")]


def _praise(challenger: dict[str, float], rival: dict[str, float], name: str) -> str:
    allowed = challenger["fa"] < rival["fa"] or challenger["cost"] > rival["cost"]
    return (
        f"FA {challenger['fa']:.1%}, bias {challenger['bias']:+.1%}, waste and lost sales {challenger['cost']:,.0f}; "
        f"the {_said(name)}: {rival['fa']:.1%}, {rival['bias']:+.1%}, {rival['cost']:,.0f}"
        + ("; worse, but within what the gate allows" if allowed else "")
    )


def _said(name: str) -> str:
    return {INCUMBENT: "mean of 4 weekdays", NAIVE: "last same weekday"}.get(name, name)
