"""What a person configured wrongly, in one line."""

from __future__ import annotations

from console.core.complaint import Complaint


class ConfigError(Complaint):
    """Something that cannot be taken; one line: file, table, key, what would be right."""
