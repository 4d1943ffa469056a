"""When: one business process per file."""
