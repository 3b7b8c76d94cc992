"""The state machine: its tasks, what leads to what, its variables, and the construct that holds them."""
