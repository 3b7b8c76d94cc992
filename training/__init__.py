"""What runs in the training container: `train.py` is the story, the modules beside it its chapters."""
