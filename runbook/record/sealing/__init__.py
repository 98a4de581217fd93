"""Closing a record for good: its listing, who vouches for it, since when, and how a stranger checks all of that."""
