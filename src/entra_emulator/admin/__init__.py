"""The admin API for tests in any language, and the dashboard for people. Both serve only the emulator's own origin."""
