"""What is true about baking forecasts: no orchestrator, no clock, no environment."""
