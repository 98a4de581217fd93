printf 'hello from %s\n' "$PLACE"
