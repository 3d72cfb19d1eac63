"""An OpenID issuer on loopback that publishes its keys, and issues tokens to jobs like GitHub and Azure Pipelines."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.support.certificates import rsa_key
from tests.support.token_service import RecordedRequest, Reply, TokenService

BEARER = "job-token-only-for-this-test"
SUBJECT = "repo:octo-org/octo-repo:environment:Production"


class OidcIssuer(TokenService):
    """`url` is the issuer. `life_in` and `made_in` (seconds from now) shape the next tokens; `refusals` come first.

    `discovery` and `jwks` replace members of what it publishes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.key = RSAKey.import_key(rsa_key(7), {"kid": "issuer-key-1", "use": "sig"})
        self.subject = SUBJECT
        self.life_in = 300.0
        self.made_in = 0.0
        self.refusals: list[Reply] = []
        self.discovery: dict[str, Any] = {}
        self.jwks: dict[str, Any] = {}
        self.script = [self._reply]

    @property
    def job_requests(self) -> list[RecordedRequest]:
        """The requests for a job's token."""
        return [one for one in self.requests if "well-known" not in one.path and "jwks" not in one.path]

    @property
    def public_key(self) -> dict[str, Any]:
        """The key as the JWKS has it."""
        return dict(self.key.as_dict(private=False))

    def token(self, audience: str = "api://AzureADTokenExchange", **changed: Any) -> str:
        """A token of this issuer; `changed` replaces claims."""
        made_on = int(time.time() + self.made_in)
        claims = {
            "jti": str(uuid.uuid4()),
            "iss": self.url,
            "sub": self.subject,
            "aud": audience,
            "iat": made_on,
            "nbf": made_on,
            "exp": int(made_on + self.life_in),
        }
        header = {"typ": "JWT", "alg": "RS256", "kid": self.key.kid}
        return jwt.encode(header, {**claims, **changed}, self.key, algorithms=["RS256"])

    def _reply(self, request: RecordedRequest) -> Reply:
        url = urlsplit(request.path)
        if url.path == "/.well-known/openid-configuration":
            return Reply(200, {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **self.discovery})
        if url.path == "/jwks":
            return Reply(200, {"keys": [{"kty": "EC"}, self.public_key], **self.jwks})
        return self.refusals.pop(0) if self.refusals else self._job_reply(request)

    def _job_reply(self, request: RecordedRequest) -> Reply:
        url = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        bearer = request.headers.get("authorization", request.headers.get("Authorization", ""))
        if bearer.lower() != f"bearer {BEARER}":
            return Reply(401, "")
        if url.path == "/github" and request.method == "GET" and query["api-version"] == "2.0":
            return Reply(200, json.dumps({"count": 1, "value": self.token(query["audience"])}))
        if url.path == "/pipelines" and request.method == "POST" and query["api-version"] == "7.1":
            return Reply(200, {"oidcToken": self.token(sub=f"sc://org/project/{query['serviceConnectionId']}")})
        return Reply(404, "")

    def github(self) -> dict[str, str]:
        """The environment of a GitHub Actions job."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/github?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": BEARER,
        }

    def pipelines(self) -> dict[str, str]:
        """The environment of an Azure Pipelines job with a service connection."""
        return {
            "SYSTEM_OIDCREQUESTURI": f"{self.url}/pipelines",
            "SYSTEM_ACCESSTOKEN": BEARER,
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "connection-1",
        }
