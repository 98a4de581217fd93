"""Asking regular expressions and JSONPaths that others have written, in a process that may be killed over them."""
