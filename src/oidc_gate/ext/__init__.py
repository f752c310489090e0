"""Accessors for the application behind the gate, of the same name in every framework.

`current_identity` says who is signed in. It is None for an anonymous visitor of a public path, and for a user
whom the rules of the gate refuse. `require` refuses with 401 or 403. On a public path the gate turns that 401 to
a browser into the sign-in, and comes back to the same place; a user whom the rules refuse gets the 403 page.
"""
