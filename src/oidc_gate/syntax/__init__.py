"""The syntax of hosts, paths and base64url. Each rule exists once."""
