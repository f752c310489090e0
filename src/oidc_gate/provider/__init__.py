"""Speaking OpenID Connect: pairs of ``build_`` and ``process_``; where the network is needed, a `Fetch`."""
