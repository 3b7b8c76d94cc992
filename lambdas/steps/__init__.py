"""What asks: one file for each state of the state machine that calls a function, and it bears the state's name."""
