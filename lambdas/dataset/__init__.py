"""From what lies in landing to a version of the dataset: decoding, reading, deriving, folding."""
