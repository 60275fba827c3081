"""The engine process: inbox to engine to journal to venues; the one clock; supervision; shutdown."""
