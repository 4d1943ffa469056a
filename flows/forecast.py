"""Forecast the coming days and publish."""

from flows import clock
from flows.process import LAST_ENDED_DAY, AsOf, process
from tasks import records
from tasks.forecast import Published, make_forecast, model_in_use, publish, still_there, verdict_digest
from tasks.train import table_versions


@process
def forecast(*, as_of: AsOf = LAST_ENDED_DAY) -> Published:
    """Forecast every live series with the model in use, and make the forecast the live one."""
    versions, model, verdicts = table_versions(), model_in_use(), verdict_digest(as_of=as_of)
    made = make_forecast(as_of=as_of, versions=versions, model=model, verdicts=verdicts)
    if not still_there(made, as_of=as_of):
        again = make_forecast.with_options(refresh_cache=True)
        made = again(as_of=as_of, versions=versions, model=model, verdicts=verdicts)
    published = publish(made, as_of=as_of, at=clock.now())
    records.measure(as_of, "forecast", {f"rows_{method}": rows for method, rows in made.by_method.items()})
    return published
