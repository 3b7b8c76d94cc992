"""All glue that touches MiniStack's internals, and nothing else; `hooks.py` lists every name that is used."""
