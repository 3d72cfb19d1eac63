"""The pages people see: sign-in, second factor, consent, device, and how it ended. HTML made here, nothing loaded."""
