"""The `mlops` command: what a person does with a deployed pipeline, and the local cloud to try it on."""
