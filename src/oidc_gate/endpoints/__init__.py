"""The endpoints. `table` lists them, and each is a module with the name of its URL.

Each of these modules has a function ``answer(components, context) -> Step[Reply]``.
"""
