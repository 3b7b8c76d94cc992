"""The pipeline as Lambda functions: environment in, a decision of `domain` in the middle, AWS out."""
