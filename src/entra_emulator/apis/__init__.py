"""Small versions of the APIs tokens are for. Each checks its token as the real one does, and refuses in its words."""
