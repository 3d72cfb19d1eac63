"""Values that the processes of the bench share."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TENANT = "00000000-0000-4000-8000-000000000000"
CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"
SECRET = "not-a-secret"
SCOPE = "https://graph.microsoft.com/.default"
FORM_TYPE = "application/x-www-form-urlencoded"
TOKEN_LENGTH = 1500
"""Characters of an access token: about what Entra issues to an application."""
