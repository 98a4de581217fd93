"""Gates: how one opens, who may answer it with what, and when it has been answered."""
