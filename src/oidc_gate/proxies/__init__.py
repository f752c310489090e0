"""Complete configurations for proxies that ask the gate: Nginx, Caddy and Traefik.

Each is printed from the settings of the gate and a few options (``oidc-gate nginx``). Options are written into
configuration files, so `values` accepts only what cannot end a value or begin a directive.
"""
