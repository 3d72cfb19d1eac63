"""What several tests need: real local servers and the two worlds."""
