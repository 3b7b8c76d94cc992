"""What AWS Lambda gives a Python function on the local cloud, and nothing of what else this machine has."""
