"""The data: what a row is, how its values are spelled, which files make a version of the dataset."""
