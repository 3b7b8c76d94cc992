"""`mlops demo`: four drops on the local cloud, told as a story that checks itself."""
