"""How texts of the web are written: hosts and paths. Each rule stands here once."""
