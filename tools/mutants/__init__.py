"""Mutation testing by samples: `make mutants` draws some mutants of src and runs the tests that reach their lines.

`mutmut` and `cosmic-ray` try every mutant and map no lines to tests of several interfaces; a whole run would take days.
"""
