"""Great Expectations: checks frames against expectations, keeps each night's results and shows them as Data Docs."""

import html
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from lib.quality.suite import Expectation

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult, RunIdentifier
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier
    from great_expectations.expectations.expectation import Expectation as Check

OUTCOMES: Final = pl.Schema(
    {
        "expectation": pl.String(),
        "table": pl.String(),
        "column": pl.String(),
        "severity": pl.String(),
        "success": pl.Boolean(),
        "observed": pl.String(),
        "failed_rows": pl.Int64(),
        "message": pl.String(),
    }
)
"""What :func:`validate` returns; `expectation` is unique within `table`, `column` is null where several are meant."""

NIGHTS_LISTED: Final = 30
"""Nights on the first page of the Data Docs; it reads all their results, and pages of earlier nights stay in place."""
_TEMPLATES: Final = {
    "page.j2": "gx_page.j2",
    "index_page.j2": "gx_page.j2",
    "bootstrap_table.j2": "gx_table.j2",
    "collapse.j2": "gx_collapse.j2",
}
"""Great Expectations' templates that load scripts and styles from elsewhere, and what stands in for them."""

_EXAMPLES: Final = 5
_SOURCE: Final = "night"


def validate(
    expectations: Sequence[Expectation], frames: Mapping[str, pl.DataFrame], *, run_name: str, docs_folder: str
) -> pl.DataFrame:
    """One row per expectation, in their order, in the form of OUTCOMES.

    `run_name` is the night as an ISO date. Its results go to the folder beside `docs_folder` that ends in `-results`,
    its pages to `docs_folder` (index.html lists the nights); both replace what an earlier run of the night left.
    """
    from great_expectations.core import RunIdentifier

    results = Path(f"{Path(docs_folder).resolve()}-results")
    for earlier in results.glob(f"*/{run_name}"):
        shutil.rmtree(earlier)
    run = RunIdentifier(run_name=run_name, run_time=datetime.fromisoformat(run_name).replace(tzinfo=UTC))
    names = list(dict.fromkeys(expectation.frame for expectation in expectations))
    context = _context(results, Path(docs_folder).resolve(), listed=NIGHTS_LISTED * len(names))
    rows: dict[int, dict[str, object]] = {}
    pages: list[ValidationResultIdentifier] = []
    for name in names:
        numbered = {number: e for number, e in enumerate(expectations) if e.frame == name}
        page, checked = _run(context, run, frames[name], numbered)
        pages.append(page)
        rows |= {number: _row(numbered[number], result, frames[name]) for number, result in checked}
    context.build_data_docs(resource_identifiers=pages)
    return pl.DataFrame([rows[number] for number in range(len(expectations))], schema=OUTCOMES)


class OfflinePage:
    """A page of the Data Docs that needs nothing from elsewhere: Great Expectations' view with our templates in front.

    Great Expectations makes it by name; it is no subclass of its view so that this module imports without it.
    """

    def __init__(self, site: str) -> None:
        from great_expectations.render.view import DefaultJinjaPageView
        from jinja2 import ChoiceLoader, DictLoader, pass_context

        view: Any = DefaultJinjaPageView()
        view.env.globals["site"] = site
        view.env.loader = ChoiceLoader([DictLoader(_templates()), view.env.loader])
        # Great Expectations shows examples of bad values as they are, so a name could be markup.
        render = view.env.filters["render_content_block"]
        view.env.filters["render_content_block"] = pass_context(
            lambda context, block, *args, **kwargs: render(context, _escaped(block), *args, **kwargs)
        )
        self._view = view

    def render(self, document: object, **context: object) -> str:
        """The page as HTML."""
        return str(self._view.render(document, **context))


def _escaped(block: object) -> object:
    if isinstance(block, list):
        return [_escaped(part) for part in block]
    return html.escape(block, quote=False) if isinstance(block, str) else block


@cache
def _templates() -> dict[str, str]:
    return {theirs: Path(__file__).with_name(ours).read_text("utf-8") for theirs, ours in _TEMPLATES.items()}


def _context(results: Path, docs: Path, *, listed: int) -> "EphemeralDataContext":
    """Suites and checkpoints live in memory, since code is their home; results and pages live in folders."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    defaults = InMemoryStoreBackendDefaults()
    defaults.stores[defaults.validation_results_store_name]["store_backend"] = _folder(results)
    page = {"module_name": __name__, "class_name": OfflinePage.__name__, "site": "Fournil"}
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": _folder(docs),
        "site_index_builder": {
            "class_name": "DefaultSiteIndexBuilder",
            "view": page,
            "validation_results_limit": listed,
        },
        "site_section_builders": {
            "validations": {"class_name": "DefaultSiteSectionBuilder", "view": page},
            "expectations": "None",
            "profiling": "None",
        },
    }
    config = DataContextConfig(
        store_backend_defaults=defaults,
        data_docs_sites={"nights": site},
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    context.data_sources.add_pandas(_SOURCE)
    return context


def _folder(path: Path) -> dict[str, str]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(path)}


def _run(
    context: "EphemeralDataContext", run: "RunIdentifier", frame: pl.DataFrame, numbered: Mapping[int, Expectation]
) -> tuple["ValidationResultIdentifier", Iterator[tuple[int, "ExpectationValidationResult"]]]:
    """Check one frame; what comes back is numbered likewise.

    A checkpoint per frame, as all parts of a checkpoint get the same data.
    """
    import great_expectations as gx

    name = next(iter(numbered.values())).frame
    source: Any = context.data_sources.get(_SOURCE)
    data = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe(name)
    checks = [_check(number, expectation) for number, expectation in numbered.items()]
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=checks))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=data, suite=suite))
    checkpoint = context.checkpoints.add(gx.Checkpoint(name=name, validation_definitions=[definition]))
    batch = {"dataframe": _checked_columns(frame, numbered.values()).to_pandas()}
    ((page, result),) = checkpoint.run(batch_parameters=batch, run_id=run).run_results.items()
    return page, ((each.expectation_config.meta["number"], each) for each in result.results if each.expectation_config)


def _checked_columns(frame: pl.DataFrame, expectations: Iterable[Expectation]) -> pl.DataFrame:
    """The columns whose values are checked; the others stay, empty, since the form of the frame may be checked too."""
    checked = {
        name
        for each in expectations
        if each.kind != "columns"
        for name in (*each.columns, *(column for column, _ in each.where))
    }
    return frame.select(pl.col(name) if name in checked else pl.lit(None).alias(name) for name in frame.columns)


def _check(number: int, expectation: Expectation) -> "Check":
    import great_expectations.expectations as gxe

    common: dict[str, Any] = {
        "description": _description(expectation),
        "meta": {"number": number},
        "severity": expectation.severity,
    }
    if expectation.where:
        common["row_condition"] = _condition(expectation.where)
    match expectation.kind:
        case "columns":
            return gxe.ExpectTableColumnsToMatchSet(column_set=list(expectation.columns), exact_match=True, **common)
        case "unique" if len(expectation.columns) > 1:
            columns = list(expectation.columns)
            return gxe.ExpectCompoundColumnsToBeUnique(column_list=columns, ignore_row_if="never", **common)
        case "unique":
            return gxe.ExpectColumnValuesToBeUnique(column=expectation.columns[0], **common)
        case "filled":
            return gxe.ExpectColumnValuesToNotBeNull(column=expectation.columns[0], **common)
        case "between":
            low, high = expectation.minimum, expectation.maximum
            return gxe.ExpectColumnValuesToBeBetween(
                column=expectation.columns[0], min_value=low, max_value=high, **common
            )


def _description(expectation: Expectation) -> str:
    """What the page shows of the expectation; it puts the text between its tags as it is, with $ for parameters."""
    text = f"{expectation.table}: {expectation.name} ({expectation.severity}). If not: {expectation.message}"
    return html.escape(text).replace("$", "&#36;")


def _condition(where: tuple[tuple[str, str], ...]) -> object:
    from great_expectations.expectations.row_conditions import AndCondition, Column

    return AndCondition(conditions=[Column(column) == value for column, value in where])


def _row(expectation: Expectation, result: "ExpectationValidationResult", frame: pl.DataFrame) -> dict[str, object]:
    success = bool(result.success)
    observed, failed = ("as expected", 0) if success else _failure(result, frame)
    return {
        "expectation": expectation.name,
        "table": expectation.table,
        "column": expectation.columns[0] if len(expectation.columns) == 1 else None,
        "severity": expectation.severity,
        "success": success,
        "observed": observed,
        "failed_rows": failed if success or expectation.concerns is None else expectation.concerns,
        "message": expectation.message,
    }


def _failure(result: "ExpectationValidationResult", frame: pl.DataFrame) -> tuple[str, int]:
    """What was found, in words, and how many rows it is about."""
    found = result.result
    if "details" in found:
        mismatched = found["details"]["mismatched"]
        parts = [f"{kind} {', '.join(names)}" for kind, names in sorted(mismatched.items())]
        return "; ".join(parts), sum(map(len, mismatched.values()))
    if "unexpected_count" not in found:
        return f"could not be checked ({_error(result)})", frame.height
    count = int(found["unexpected_count"])
    examples = ", ".join(dict.fromkeys(map(_text, found["partial_unexpected_list"][:_EXAMPLES])))
    if examples and found["element_count"] == 1:
        return examples, count
    rows = f"{count} of {int(found['element_count'])} rows"
    return f"{rows}, such as {examples}" if examples else rows, count


def _error(result: "ExpectationValidationResult") -> str:
    """First line of what Great Expectations raised; it nests it by metric or not."""
    info: Mapping[str, Any] = result.exception_info or {}
    raised = info if "exception_message" in info else next(iter(info.values()), {})
    return str(raised.get("exception_message") or "no result").strip().splitlines()[0]


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return "/".join(map(_text, value.values()))
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1 else f"{value:.6g}"
    return str(value)
