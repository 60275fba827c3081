"""The local socket between engine and console: views out, operator events in, heartbeats both ways."""
