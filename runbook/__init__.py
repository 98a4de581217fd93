"""Run written procedures over SSH, and be able to prove afterwards what happened."""
