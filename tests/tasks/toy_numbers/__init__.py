"""A task whose model answers a number: so much for each word of a text. `test_numbers.py` of training adds it."""
