"""Databases: a token as the password of each new connection, so that a pool outlives its tokens.

PostgreSQL and MySQL take the token as the password, SQL Server in a structure of its ODBC driver, Redis beside the
object ID. A server checks the token when a connection begins, so that an open one lives on. Sources, on
learn.microsoft.com: /azure/postgresql/flexible-server/how-to-configure-sign-in-azure-ad-authentication,
/azure/mysql/flexible-server/how-to-azure-ad, /sql/connect/odbc/using-azure-active-directory;
docs.sqlalchemy.org, DialectEvents.do_connect.
"""

from __future__ import annotations

from mstoken.errors import UntrustedOrigin, UsageError
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis.auth.idp import IdentityProviderInterface

    from mstoken.client import AsyncClient, Client

SQL_COPT_SS_ACCESS_TOKEN = 1256
"""The key of `attrs_before` in pyodbc.connect: the connection attribute of Microsoft's ODBC driver (msodbcsql.h)."""

DRIVERS = ("psycopg", "asyncpg", "pymysql")
"""Drivers of SQLAlchemy whose options `use_tokens` knows."""


def use_tokens(engine: Any, client: Client | AsyncClient, service: str = "postgres", *, host: str = "") -> None:
    """Give each new connection of a SQLAlchemy Engine or AsyncEngine a fresh token as its password.

    Drivers are psycopg, asyncpg and pymysql. An AsyncClient goes with an AsyncEngine only. The token goes only to a
    host of the service, or to `host`, and only with TLS that verifies the server's name: `sslmode=verify-full` for
    psycopg, an `ssl.SSLContext` as `ssl` for asyncpg and pymysql.

    Raises UsageError for another driver. A connection raises the errors of `get_token`, and UntrustedOrigin for another
    host or without such TLS; SQLAlchemy does not wrap them.
    """
    from sqlalchemy import event

    inner = getattr(engine, "sync_engine", engine)
    if inner.dialect.driver not in DRIVERS:
        raise UsageError(
            f"use_tokens() does not know the driver {inner.dialect.driver}.",
            f"Use one of {', '.join(DRIVERS)}, or set the token in an event of your own.",
        )

    def do_connect(_dialect: Any, _record: Any, _cargs: Any, options: dict[str, Any]) -> None:
        check_connection(options, client, service, host=host)
        token = client.get_token(service)
        if hasattr(token, "__await__"):
            from sqlalchemy.util import await_only

            token = await_only(token)
        options["password"] = token.token

    event.listen(inner, "do_connect", do_connect)


def check_connection(
    options: Mapping[str, Any], client: Client | AsyncClient, service: str = "postgres", *, host: str = ""
) -> None:
    """Raise UntrustedOrigin unless a driver's `options` lead to a host of the service, or to `host`, with verified TLS.

    Call it before you give a token to a driver in a pool of your own.
    """
    from mstoken.rest.origin import check_origin

    actual = str(options.get("host") or "")
    try:
        check_origin(
            f"https://{actual or 'localhost'}", client.target(service), client.cloud, f"https://{host}" if host else ""
        )
    except UntrustedOrigin:
        raise UntrustedOrigin(
            f"{actual or 'A local socket'} is not where tokens for {service} belong; no connection was made.",
            f"If it is meant, name it: host={actual!r}.",
        ) from None
    if not _verifies(options):
        raise UntrustedOrigin(
            f"The connection to {actual} would not verify the server; no connection was made.",
            "Set sslmode=verify-full for psycopg, or ssl=ssl.create_default_context() for asyncpg and pymysql.",
        )


def sql_server_token(token: str) -> bytes:
    """Return a token as Microsoft's ODBC driver takes it: its length in bytes (4, little-endian), then UTF-16-LE.

    For pyodbc: `connect(…, attrs_before={SQL_COPT_SS_ACCESS_TOKEN: sql_server_token(token)})`, without UID, PWD and
    Authentication in the connection string.
    """
    import struct

    raw = token.encode("utf-16-le")
    return struct.pack(f"<I{len(raw)}s", len(raw), raw)


def redis_identity_provider(client: Client, service: str = "redis") -> IdentityProviderInterface:
    """Return the identity provider that redis-entraid takes: `EntraIdCredentialsProvider(provider, config)`.

    It needs the packages redis and PyJWT, which redis-entraid installs. Its errors are those of `get_token`.
    """
    from redis.auth.idp import IdentityProviderInterface
    from redis.auth.token import JWToken, TokenInterface

    class TokensOfClient(IdentityProviderInterface):
        """Answers with the client's token. redis-entraid renews before its end; the first renewal is at once."""

        def request_token(self, force_refresh: bool = False) -> TokenInterface:  # noqa: ARG002,FBT001,FBT002 - its contract
            """Return the token. The client renews it when it is due, so that a forced renewal may be a cached one."""
            return JWToken(client.get_token(service, min_ttl=_REDIS_TTL_IN).token)

    return TokensOfClient()


_REDIS_TTL_IN = 1200
"""Seconds: redis-entraid renews after 70 % of the life that it saw, and needs one that is longer than that."""


def _verifies(options: Mapping[str, Any]) -> bool:
    """Return whether a driver's options make TLS verify the server's certificate and name."""
    import ssl

    given = options.get("ssl")
    if isinstance(given, ssl.SSLContext):
        return given.verify_mode == ssl.CERT_REQUIRED and given.check_hostname
    return "verify-full" in (options.get("sslmode"), given)
