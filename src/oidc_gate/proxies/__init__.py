"""Complete configurations for proxies that ask the gate: Nginx, Caddy and Traefik.

Each is printed from the settings of the gate and a few options (``oidc-gate nginx``). The values of options become
parts of configuration files, so `values` accepts only characters that can neither end a value nor begin a directive.
"""
