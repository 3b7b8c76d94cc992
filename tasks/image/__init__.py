"""Images: a picture has one of some labels (docs/tasks.md)."""
