import numpy as np
import numpy.typing as npt
import pytest

from lib.contracts import QUANTILE_LEVELS
from lib.features.arrays import Floats
from lib.models import intervals
from lib.models.intervals import Intervals

ASKED = np.array([0, 0.5, 3, 1000], np.float32)


def noisy(rows: int, seed: int) -> tuple[Floats, Floats]:
    draw = np.random.default_rng(seed)
    forecast = draw.gamma(2, 30, rows).astype(np.float32)
    return forecast, (forecast * draw.lognormal(0, 0.3, rows)).astype(np.float32)


def spread(forecast: Floats) -> npt.NDArray[np.float64]:
    return np.maximum(forecast.astype(np.float64) * 0.3, 0.01)


def calibrated(rows: int, seed: int) -> Intervals:
    forecast, actual = noisy(rows, seed)
    return intervals.calibrate(forecast, actual, spread(forecast))


def test_each_quantile_covers_its_share_of_days_it_had_not_seen() -> None:
    learned = calibrated(20_000, 1)
    forecast, actual = noisy(20_000, 2)
    covered = (actual[:, None] <= learned.quantiles(forecast, spread(forecast))).mean(axis=0)
    assert covered == pytest.approx(QUANTILE_LEVELS, abs=0.02)


def test_quantiles_never_cross_and_never_fall_below_nothing() -> None:
    found = calibrated(50, 3).quantiles(ASKED, spread(ASKED))
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found >= 0).all()


def test_what_is_kept_as_json_says_the_same() -> None:
    learned = calibrated(5_000, 4)
    forecast, _ = noisy(100, 5)
    assert (
        Intervals.of(learned.plain()).quantiles(forecast, spread(forecast)).tobytes()
        == learned.quantiles(forecast, spread(forecast)).tobytes()
    )


def test_a_single_row_suffices_and_none_does_not() -> None:
    one = np.array([10], np.float32)
    assert intervals.calibrate(one, one, spread(one)).quantiles(one, spread(one)).shape == (1, len(QUANTILE_LEVELS))
    with pytest.raises(ValueError, match="no rows to calibrate on"):
        intervals.calibrate(one[:0], one[:0], spread(one[:0]))
