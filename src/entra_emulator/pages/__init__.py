"""The pages of the sign-in service as HTML, which loads nothing from elsewhere."""
