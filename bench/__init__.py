"""What oidc_gate costs, beside its peers, in one run on one machine: `make bench`."""
