"""When: one business process per file."""

from flows import local
from lib import settings

local.prepare(settings.load())
