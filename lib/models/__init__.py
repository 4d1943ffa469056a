"""How a forecast is made."""
