"""What may enter, what is held back, and what a night may ship."""
