"""Accessors for the application behind the gate, of the same name in every framework.

`current_identity` says who is signed in, None for nobody; `require` refuses with 401 or 403. On a public path
the gate turns that 401, to an anonymous browser, into the sign-in, and comes back to the same place.
"""
