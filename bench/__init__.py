"""What the project's speed, memory and quality are, measured beside what people use, in one run: `make bench`.

A part is a module here with a function `run(full: bool) -> Result` (see `bench.report`), named in `bench.__main__`. It
measures its baseline itself, in the same run, and gives ratios: on another day the same machine is another machine.
"""
