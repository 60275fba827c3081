"""Starting the engine process, finding the one that runs, attaching a console to it, and killing it."""
