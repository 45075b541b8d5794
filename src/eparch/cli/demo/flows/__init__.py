"""The flows of the demo: each file is what a user would write."""
