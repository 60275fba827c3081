"""Translates: one file per venue or feed, pure parsing on top and a thin connection below."""
