"""How a record lies on disk: whole lines, plain files, one holder; what the lines mean is no matter of this room."""
