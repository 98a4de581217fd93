"""The fold: from what happened to the run as it stands; nothing here decides what happens next."""
