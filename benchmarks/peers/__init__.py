"""Other systems, driven through the same interface and the same generator."""
