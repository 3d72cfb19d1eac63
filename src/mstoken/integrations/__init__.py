"""mstoken inside other libraries."""
