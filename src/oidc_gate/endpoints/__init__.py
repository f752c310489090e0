"""The endpoints, one file each, named as in their URLs. Each is ``answer(components, context) -> Step[Reply]``."""
