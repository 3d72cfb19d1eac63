"""The admin API, for tests in any language, and the dashboard for people. On the emulator's own origin only."""
