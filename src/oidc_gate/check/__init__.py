"""The check: what is wrong with the settings, the provider and the proxy, as ``oidc-gate check`` reports it.

`findings` has the causes and the exit status, `catalogue` every cause as data, and `report` the output. Each part
(`settings`, `provider`, `live`) only asks and compares, and names a cause of the catalogue.
"""
