"""The record of a run on disk: written ahead, chained line by line, and checkable by somebody who trusts nobody."""
