"""What a person got wrong: one line that says where, and what would be right."""

from __future__ import annotations


class Complaint(ValueError):
    """Shown to the operator as it is, without a traceback; commands end with status 2."""
