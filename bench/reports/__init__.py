"""Reports: what the project claims about itself, measured by one command each and kept under `docs/`."""
