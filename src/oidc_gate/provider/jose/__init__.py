"""Tokens and keys: what the provider signed, and what we sign for it.

No input and no output, no clock, no randomness: time and random bytes are arguments. joserfc does the
cryptography; which algorithms, keys and claims count is decided here. joserfc takes 0.1 s to load, so nothing
on the way of a request that is signed in already may import this room.
"""
