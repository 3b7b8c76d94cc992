"""The decisions of the pipeline, pure: records, splits, the gate, names and messages. No AWS, no framework."""
