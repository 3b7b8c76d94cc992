"""Servers that run in the baselines' environments: they import nothing of this project."""
