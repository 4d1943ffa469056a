import polars as pl
import pytest

from lib.evaluation import gate
from lib.evaluation.gate import CHALLENGER, CHAMPION, INCUMBENT, NAIVE, Decision, GateConfig

SOLD = 1_000.0


def sums(
    contestant: str, *, store: str = "A", fa: float = 0.8, bias: float = 0.0, cost: float = 100.0
) -> dict[str, object]:
    return {
        "contestant": contestant,
        "store": store,
        "abs_error": (1 - fa) * SOLD,
        "error": bias * SOLD,
        "actual": SOLD,
        "cost": cost,
    }


def decided(*rows: dict[str, object], with_champion: bool = True) -> Decision:
    rivals = [sums(INCUMBENT, fa=0.7, cost=200), sums(NAIVE, fa=0.6, cost=300)]
    champion = [sums(CHAMPION)] if with_champion and not any(row["contestant"] == CHAMPION for row in rows) else []
    return gate.decide(pl.DataFrame([*rows, *champion, *rivals]), GateConfig())


def test_a_challenger_that_is_no_worse_is_put_to_use() -> None:
    decision = decided(sums(CHALLENGER, fa=0.797, bias=0.008, cost=100.5))
    assert decision.promoted
    assert "FA 79.7%" in decision.reason
    assert decision.figures["challenger.fa"] == pytest.approx(0.797)
    assert decision.figures["champion.cost"] == 100


@pytest.mark.parametrize(
    ("worse", "said"),
    [
        ({"fa": 0.79}, "FA 79.0% against 80.0% of the champion"),
        ({"bias": -0.02}, "bias -2.0% against +0.0% of the champion"),
        ({"cost": 102.0}, "waste and lost sales 102 against 100 of the champion"),
    ],
)
def test_a_challenger_that_is_worse_in_one_figure_is_refused_and_told_why(worse: dict[str, float], said: str) -> None:
    decision = decided(sums(CHALLENGER, **worse))  # type: ignore[arg-type]  # names of figures
    assert not decision.promoted
    assert said in decision.reason


def test_a_challenger_that_ruins_one_store_is_refused_whatever_it_gains_elsewhere() -> None:
    decision = decided(
        sums(CHALLENGER, store="A", fa=0.95),
        sums(CHALLENGER, store="B", fa=0.7),
        sums(CHAMPION, store="A", fa=0.8),
        sums(CHAMPION, store="B", fa=0.8),
    )
    assert not decision.promoted
    assert decision.reason == "store B falls from FA 80.0% to 70.0%"


def test_the_first_model_must_beat_the_incumbent() -> None:
    assert decided(sums(CHALLENGER, fa=0.75, cost=150), with_champion=False).promoted
    refused = decided(sums(CHALLENGER, fa=0.65, cost=150), with_champion=False)
    assert "of the mean of 4 weekdays" in refused.reason


def test_a_model_that_the_last_same_weekday_beats_is_never_put_to_use() -> None:
    decision = decided(sums(CHALLENGER, fa=0.59, cost=100), sums(CHAMPION, fa=0.59))
    assert not decision.promoted
    assert "does not beat the last same weekday's" in decision.reason


def test_a_store_that_sold_nothing_says_nothing() -> None:
    shut = {**sums(CHALLENGER, store="B"), "actual": 0.0, "abs_error": 5.0}
    assert decided(sums(CHALLENGER), shut, sums(CHAMPION), {**shut, "contestant": CHAMPION, "abs_error": 0.0}).promoted


def test_the_first_model_may_be_biased_more_than_the_incumbent_but_not_much() -> None:
    assert decided(sums(CHALLENGER, fa=0.75, bias=-0.12, cost=150), with_champion=False).promoted
    refused = decided(sums(CHALLENGER, fa=0.75, bias=-0.2, cost=150), with_champion=False)
    assert not refused.promoted
    assert "bias -20.0%" in refused.reason


def test_where_nothing_is_known_of_the_last_weeks_no_model_is_put_to_use() -> None:
    decision = gate.decide(pl.DataFrame([sums(INCUMBENT), sums(NAIVE)]).clear(), GateConfig())
    assert not decision.promoted
    assert "no sales of the last weeks" in decision.reason
