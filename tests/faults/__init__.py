"""The fault matrix: what can go wrong, done on purpose to a whole deployed pipeline, and what must hold anyway."""
