"""Connections that take long to make are used again within a test."""

from tests.contracts.conftest import keeping

__all__ = ["keeping"]
