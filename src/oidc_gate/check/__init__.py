"""The check: what is wrong with the settings, the provider and the proxy, as ``oidc-gate check`` reports it.

`catalogue` contains every cause as data, `findings` defines causes and the exit status, and `report` writes the output.
The other modules (`settings`, `provider`, `nginx`, `live`) examine one part each, and name causes of the catalogue.
"""
