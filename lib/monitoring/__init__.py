"""What happened: accuracy and runs."""
