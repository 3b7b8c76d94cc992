"""A task as small as one can be: a label is told by the words that came with it. `test_toy.py` adds it to a project."""
