"""What a forecast may look at. Each module is a list of columns."""
