"""The local cloud: AWS on a laptop (MiniStack plus a SageMaker with real compute), for demo, tests and sandbox."""
