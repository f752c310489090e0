"""Stores: everything that has to be kept longer than one request."""
