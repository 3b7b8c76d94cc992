"""What only a training job imports."""
