"""Hiding secrets: the forms that a secret takes, the ways in which a stream can be read, and the masker over both."""
