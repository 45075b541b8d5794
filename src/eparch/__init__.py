"""Eparch: self-hosted workflow orchestration."""
