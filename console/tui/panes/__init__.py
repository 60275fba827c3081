"""The panes of the main screen, each a noun with its columns and lines."""
