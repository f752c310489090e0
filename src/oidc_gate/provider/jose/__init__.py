"""Tokens and keys: the tokens that the provider signed, and the tokens that the gate signs for the provider.

This package performs no input or output and reads neither the clock nor random bytes: the time and random bytes are
arguments. joserfc does the cryptography; this package decides which algorithms, keys and claims are accepted. Loading
joserfc takes 0.1 s, so code that serves requests of signed-in users must not import this package.
"""
