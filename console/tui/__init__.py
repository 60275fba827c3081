"""SHOWS: the screen in a terminal; gets a frozen View a few times a second and sends operator events."""
