"""The written form of a record: events to lines and back, a reader for each format, and what is newer than us."""
