"""SageMaker with real compute: training and serving are subprocesses, and what AWS refuses is refused."""
