"""markets.toml, its local overlay and the environment, made into frozen and validated settings."""
