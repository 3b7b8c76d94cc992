"""What runs in other environments than the project's: the baselines' servers, and the stages of our own start."""
