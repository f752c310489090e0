"""The endpoints, one module each, with the names of their URLs.

Each module has a function ``answer(components, context) -> Step[Reply]``.
"""
