"""Forecast the coming days and publish."""

from flows import clock
from flows.process import LAST_ENDED_DAY, AsOf, process
from tasks import receipts, records
from tasks.demand import estimate_demand
from tasks.forecast import (
    Published,
    make_forecast,
    model_in_use,
    publish,
    still_there,
    verdict_digest,
    verdict_version,
)
from tasks.train import table_versions


@process
def forecast(*, as_of: AsOf = LAST_ENDED_DAY) -> Published:
    """Forecast every live series with the model in use, and make the forecast the live one."""
    versions, model, verdicts = table_versions(), model_in_use(as_of=as_of), verdict_digest(as_of=as_of)
    sold_out = estimate_demand(as_of=as_of, versions=versions)
    made = make_forecast(as_of=as_of, versions=versions, model=model, verdicts=verdicts)
    if not still_there(made, as_of=as_of):
        again = make_forecast.with_options(refresh_cache=True)
        made = again(as_of=as_of, versions=versions, model=model, verdicts=verdicts)
    title, read = model.title if model else None, {**versions, **verdict_version()}
    receipts.keep("forecast", made.forecast_id, as_of=as_of, versions=read, model=title)
    published = publish(made, as_of=as_of, at=clock.now())
    rows = {f"rows_{method}": float(count) for method, count in made.by_method.items()}
    records.measure(as_of, "forecast", {**rows, "sold_out_days_estimated": sold_out})
    return published
