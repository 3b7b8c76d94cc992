"""Texts and their labels: a pretrained model of HuggingFace is fine-tuned to give the label."""
