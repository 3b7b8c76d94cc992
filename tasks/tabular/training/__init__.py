"""What only the training job imports."""
