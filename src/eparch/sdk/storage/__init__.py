"""Where an agent finds the code of a flow."""
