"""Accessors for the application behind the gate, with the same names in every framework.

`current_identity` is the signed-in user. It is None for an anonymous user of a public path, and for a user whom the
rules of the gate refuse. `require` refuses with 401 or 403. On a public path the gate replaces that 401 by the sign-in
for a browser, which then returns to the same address; a user whom the rules refuse gets the 403 page instead.
"""
