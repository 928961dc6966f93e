"""The shared nouns: records, errors and ports that every room speaks in."""
