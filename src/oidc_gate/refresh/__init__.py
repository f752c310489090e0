"""Refreshes sessions in a store: asks the provider about the user again, and checks the rules with its answer."""
