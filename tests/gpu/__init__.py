"""`make test-gpu`: what only a GPU can show of the training script; `python -m tests.gpu` says what."""

# Its exit status where there is none.
NO_GPU = 2
