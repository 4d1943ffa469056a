from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from lib.errors import TrainingError
from lib.features import matrix
from lib.features.spine import Panel
from lib.models import champion, training
from lib.models.boosting import BoostingConfig
from lib.models.training import Training
from tests import panels
from tests.panels import AS_OF

CONFIG = BoostingConfig(iterations=30, validation_days=28)


def trained(panel: Panel | None = None, *, seed: int = 1, threads: int = 2) -> Training:
    panel = panel or panels.panel()
    return training.train(panel, matrix.of(panel), config=CONFIG, seed=seed, threads=threads)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_input_gives_the_same_model_byte_for_byte(tmp_path: Path) -> None:
    for name in ("one", "two"):
        champion.save(trained().model, tmp_path / name)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_another_seed_gives_another_model(tmp_path: Path) -> None:
    champion.save(trained(seed=1).model, tmp_path / "one")
    champion.save(trained(seed=2).model, tmp_path / "two")
    assert files(tmp_path / "one") != files(tmp_path / "two")


def test_a_model_that_was_kept_forecasts_the_same_byte_for_byte(tmp_path: Path) -> None:
    model = trained().model
    champion.save(model, tmp_path / "kept")
    panel = panels.panel()
    rows = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    point, quantiles = model.predict(rows)
    again, more = champion.load(tmp_path / "kept", name="fournil/1").predict(rows)
    assert point.tobytes() == again.tobytes()
    assert quantiles.tobytes() == more.tobytes()


def test_the_number_of_threads_changes_neither_model_nor_forecast(tmp_path: Path) -> None:
    panel = panels.panel()
    rows = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    one, two = (trained(threads=threads).model for threads in (1, 2))
    (point, quantiles), (again, more) = one.predict(rows), two.predict(rows)
    assert point.tobytes() == again.tobytes()
    assert quantiles.tobytes() == more.tobytes()
    champion.save(one, tmp_path / "one")
    champion.save(two, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_training_says_how_good_it_is_on_days_it_had_not_seen() -> None:
    figures = trained().figures
    assert figures["rmse_validation"] > 0
    assert figures["fa"] > 0.8
    assert abs(figures["bias"]) < 0.1
    assert figures["rows_validation"] == 4 * sum(min(7, 28 - day) for day in range(28))


def test_too_short_a_history_is_refused_with_the_days_that_are_needed() -> None:
    panel = panels.panel(sales=panels.sales(days=100))
    assert not training.enough_history(panel, CONFIG)
    with pytest.raises(TrainingError, match="100 days of sales are too few to train on: 126 are needed"):
        training.train(panel, matrix.of(panel), config=CONFIG, seed=1, threads=1)


@pytest.mark.parametrize("quantity", [0.0, 12.0])
def test_a_chain_whose_sales_never_change_has_nothing_to_teach(quantity: float) -> None:
    panel = panels.panel(sales=panels.sales().with_columns(quantity=pl.lit(quantity)))
    with pytest.raises(TrainingError, match="nothing to learn"):
        training.train(panel, matrix.of(panel), config=CONFIG, seed=1, threads=1)


def test_models_that_are_averaged_are_kept_and_read_again(tmp_path: Path) -> None:
    panel = panels.panel()
    twice = CONFIG.model_copy(update={"seeds": 2, "iterations": 5})
    averaged = training.train(panel, matrix.of(panel), config=twice, seed=1, threads=1).model
    champion.save(averaged, tmp_path)
    rows = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    assert champion.load(tmp_path, name="averaged").predict(rows)[0].tolist() == averaged.predict(rows)[0].tolist()


def test_the_trial_has_not_seen_the_weeks_that_models_are_compared_on() -> None:
    unseen = pl.col("date") > AS_OF - timedelta(days=CONFIG.validation_days // 2)
    other = panels.sales().with_columns(quantity=pl.when(unseen).then(pl.col("quantity") * 3).otherwise("quantity"))
    panel = panels.panel()
    rows = matrix.of(panel).matrix(matrix.rows_ahead(panel))
    trials = [trained(panels.panel(sales=sales)).model.trial for sales in (panels.sales(), other)]
    said = [[part.tolist() for part in trial.predict(rows)] for trial in trials if trial is not None]
    assert len(said) == 2
    assert said[0] == said[1]
