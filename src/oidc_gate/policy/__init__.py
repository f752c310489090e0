"""The rules: what is public, who may enter, and what the application is told about the person."""
