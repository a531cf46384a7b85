"""Coterie: self-hosted, end-to-end-encrypted group chat."""

__version__ = "0.1.0"
