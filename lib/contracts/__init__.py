"""Every table of the lake: columns, dtypes, units, keys, null rules. They stand here and nowhere else."""

from lib.contracts.inputs import INPUTS, ZERO_KINDS
from lib.contracts.outputs import OUTPUTS, QUANTILE_LEVELS, QUANTILES
from lib.contracts.table import KNOWN_FROM, KNOWN_UNTIL, Column, Table

TABLES: dict[str, Table] = {**INPUTS, **OUTPUTS}

__all__ = [
    "INPUTS",
    "KNOWN_FROM",
    "KNOWN_UNTIL",
    "OUTPUTS",
    "QUANTILES",
    "QUANTILE_LEVELS",
    "TABLES",
    "ZERO_KINDS",
    "Column",
    "Table",
]
