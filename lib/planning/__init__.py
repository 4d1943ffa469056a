"""What is published, when the model alone does not suffice."""
