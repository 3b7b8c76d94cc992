"""A model after its training: what it answers, where it is sealed, registered and served."""
