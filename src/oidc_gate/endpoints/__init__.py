"""The endpoints, one file each, named as in their URLs. Each is ``answer(parts, visit) -> Step[Reply]``."""
