"""What customers of a simulated store want: demand by series and day, and all that moves it, known exactly."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lib.demo.plans import YEAR, Chain, Doubles, Generator, Integers, promoted
from lib.demo.scenario import SimulationConfig

LEAST = 0.2
"""Of the demand: what siblings and rain leave of it."""
HEAVY_RAIN = 20.0
FACTORS = ("promotion", "siblings", "complements", "price", "weather", "event")
"""Names of the effects, in the order of the columns of the truth."""


@dataclass(frozen=True, slots=True)
class Sky:
    """(D,) mean temperature (degrees C) and rain (mm), as observed, and as forecast the day before."""

    temperature: Doubles
    rain: Doubles
    temperature_told: Doubles
    rain_told: Doubles
    normal: Doubles


@dataclass(frozen=True, slots=True)
class Market:
    """One store: P products by D days. `expected` = `baseline` times all `factors`, units; `demand` is drawn from it.

    `ranged` says which series-days there are. `local` (P, D): discounts in this store alone; `fair` (D,): local events.
    """

    ranged: npt.NDArray[np.bool_]
    baseline: Doubles
    factors: dict[str, Doubles]
    expected: Doubles
    demand: Integers
    depth: Doubles
    local: Doubles
    fair: npt.NDArray[np.bool_]
    sky: Sky


def market(chain: Chain, rng: Generator, *, opened: int, holidays: npt.NDArray[np.int64]) -> Market:
    """The demand of one store that opens on day `opened`; `holidays` are indices of days."""
    config, days = chain.config, np.arange(chain.config.days)
    level = config.units * rng.lognormal(0, 0.3) * chain.level * rng.lognormal(0, 0.15, config.products)
    local = np.where(chain.depth > 0, 0.0, promoted(rng, config, config.local_promotion_share))
    depth = chain.depth + local
    sky, fair = _sky(rng, config), rng.uniform(size=config.days) < 4 / YEAR
    ranged = (days >= np.maximum(chain.first, opened)[:, None]) & (days <= chain.last[:, None])
    baseline = level[:, None] * chain.shape
    factors = {
        **_promoting(chain, np.where(ranged, level[:, None], 0.0), depth),
        "price": (chain.price / chain.price[:, :1]) ** config.effects.elasticity,
        "weather": np.broadcast_to(_of_weather(sky, config), depth.shape),
        "event": np.broadcast_to(_of_events(fair, holidays, config), depth.shape),
    }
    expected = baseline * np.prod([factors[name] for name in FACTORS], axis=0)
    return Market(ranged, baseline, factors, expected, _drawn(rng, expected, config), depth, local, fair, sky)


def _promoting(chain: Chain, level: Doubles, depth: Doubles) -> dict[str, Doubles]:
    """Factors of a product's own promotion, of its siblings' and of the complement family's.

    What a promoted product gains, its siblings lose in part, each by its usual size. Families gain from the promotions
    of the family before them, relative to its size.
    """
    effects = chain.config.effects
    of_family = np.eye(chain.config.families)[:, chain.family]
    total = of_family @ level
    gain = level * effects.lift * depth
    others = total[chain.family] - level
    pressure = np.divide(gain, others, out=np.zeros_like(gain), where=others > 0)
    lost = effects.cannibalization * ((of_family @ pressure)[chain.family] - pressure)
    relative = np.divide(of_family @ gain, total, out=np.zeros_like(total), where=total > 0)
    won = np.roll(relative, 1, axis=0) if chain.config.families > 1 else np.zeros_like(relative)
    return {
        "promotion": 1 + effects.lift * depth,
        "siblings": np.maximum(1 - lost, LEAST),
        "complements": (1 + effects.halo * won)[chain.family],
    }


def _of_weather(sky: Sky, config: SimulationConfig) -> Doubles:
    warm = config.effects.warmth * (sky.temperature - sky.normal)
    wet = config.effects.rain * np.minimum(sky.rain, HEAVY_RAIN)
    return np.asarray(np.maximum(1 + warm + wet, LEAST))


def _of_events(fair: npt.NDArray[np.bool_], holidays: npt.NDArray[np.int64], config: SimulationConfig) -> Doubles:
    factor = np.where(fair, 1 + config.effects.local_event, 1.0)
    factor[holidays] *= 1 + config.effects.holiday
    return factor


def _sky(rng: Generator, config: SimulationConfig) -> Sky:
    days = config.first_day.timetuple().tm_yday + np.arange(config.days)
    normal = 10 - 9 * np.cos(2 * np.pi * days / YEAR)
    memory = 0.7 ** np.arange(14)
    temperature = normal + 2.5 * np.convolve(rng.normal(size=config.days), memory)[: config.days]
    rain = np.where(rng.uniform(size=config.days) < 1 / 3, rng.gamma(1.0, 5.0, config.days), 0.0)
    issued = temperature + rng.normal(0, 1, config.days), rain * rng.lognormal(0, 0.3, config.days)
    observed, observed_rain, told, told_rain = (np.round(values, 1) for values in (temperature, rain, *issued))
    return Sky(observed, observed_rain, told, told_rain, normal)


def _drawn(rng: Generator, expected: Doubles, config: SimulationConfig) -> Integers:
    if config.dispersion is None:
        return rng.poisson(expected)
    return rng.negative_binomial(config.dispersion, config.dispersion / (config.dispersion + expected))
