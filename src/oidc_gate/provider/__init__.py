"""The OpenID Connect client: ``build_`` functions make requests, and ``process_`` functions validate the answers.

A function that needs the network is a generator that yields a `Fetch`.
"""
