"""What runs in the serving container, and what Evaluate predicts with: the same code answers in both places."""
