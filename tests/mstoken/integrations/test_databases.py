"""Tokens as passwords of databases: real drivers and pools with servers that check the tokens."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from psycopg_pool import ConnectionPool
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support.at_entra import NADIA, VISUAL_STUDIO
from tests.support.databases import MySql, Postgres, TokenCheck, authority_of, context_for
from tests.support.local_entra import entra
from tests.support.redis_server import RedisServer

from entra_emulator import Emulator
from entra_emulator.clock import Clock
from mstoken import AsyncClient, Client, RefreshToken, UntrustedOrigin, UsageError
from mstoken.integrations.databases import (
    SQL_COPT_SS_ACCESS_TOKEN,
    redis_identity_provider,
    sql_server_token,
    use_tokens,
)

__all__ = ["entra"]  # an emulator for each test: some advance its clock

APPLICATION = "reporting"
ONE = sqlalchemy.text("SELECT 1")
HOURS = 2 * 3600


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    made = Postgres()
    yield made
    made.close()


@pytest.fixture
def check(entra: Emulator, tmp_path: Path) -> Iterator[TokenCheck]:
    """Whoever the token is for: Nadia, or the default application under the name `reporting`."""
    folder = tmp_path / "check"
    folder.mkdir()
    with TokenCheck(entra, folder) as made:
        app = entra.state.default_app.id
        principal = next(one for one in entra.state.default_tenant.principals if one.app == app)
        made.principals[principal.id] = APPLICATION
        yield made


@pytest.fixture
def database(postgres: Postgres, check: TokenCheck) -> Postgres:
    """PostgreSQL that takes the tokens of this test's emulator."""
    postgres.directory.check = check
    for name in (APPLICATION, NADIA):
        postgres.create_role(name)
    return postgres


def url(database: Postgres, driver: str, user: str = APPLICATION) -> sqlalchemy.URL:
    return sqlalchemy.URL.create(
        f"postgresql+{driver}", user, host="localhost", port=database.port, database="postgres"
    )


def verifying(folder: Path) -> dict[str, str]:
    """The options of libpq with which TLS verifies the server's name."""
    return {"sslmode": "verify-full", "sslrootcert": str(authority_of(folder))}


def test_psql_takes_a_token_as_the_password(database: Postgres, check: TokenCheck, tmp_path: Path) -> None:
    """The person's and the application's; a token of one does not open the other's role."""
    environment = {**os.environ, "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(authority_of(tmp_path))}
    command = [
        "psql",
        "-h",
        "localhost",
        "-p",
        str(database.port),
        "-d",
        "postgres",
        "-At",
        "-c",
        "SELECT current_user",
    ]

    def psql(user: str, token: str) -> subprocess.CompletedProcess[str]:
        given = environment | {"PGPASSWORD": token}
        return subprocess.run(
            [*command, "-U", user], env=given, capture_output=True, text=True, check=False, timeout=60
        )

    entra = check._entra
    authority, tenant = os.environ["AZURE_AUTHORITY_HOST"], entra.state.default_tenant.id
    person = Client(tenant, VISUAL_STUDIO, RefreshToken(entra.sign_in(NADIA, VISUAL_STUDIO)), authority=authority)
    tokens = {APPLICATION: Client.from_env().get_token("postgres").token, NADIA: person.get_token("postgres").token}
    for user, token in tokens.items():
        assert psql(user, token).stdout == f"{user}\n"
    for user, token in ((NADIA, tokens[APPLICATION]), (APPLICATION, tokens[NADIA]), (APPLICATION, "nonsense")):
        refused = psql(user, token)
        assert refused.returncode != 0
        assert "authentication failed" in refused.stderr
    assert check.seen == [*tokens.values()]


def test_a_pool_of_sqlalchemy_outlives_its_tokens(
    database: Postgres, check: TokenCheck, tmp_path: Path, entra_clock: Clock
) -> None:
    """Connections share a token while it is valid; after its end a new connection has a new one."""
    engine = sqlalchemy.create_engine(url(database, "psycopg"), connect_args=verifying(tmp_path))
    use_tokens(engine, Client.from_env(), host="localhost")
    with engine.connect() as first, engine.connect() as second:
        assert (first.execute(ONE).scalar(), second.execute(ONE).scalar()) == (1, 1)
    assert check.seen[0] == check.seen[1]
    engine.dispose()
    entra_clock.advance(HOURS)
    assert not check(APPLICATION, check.seen[0])
    with engine.connect() as later:
        assert later.execute(ONE).scalar() == 1
    assert len(set(check.seen)) == 2
    engine.dispose()


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_an_async_engine_outlives_its_tokens(
    database: Postgres, check: TokenCheck, tmp_path: Path, entra_clock: Clock, kind: type[Client | AsyncClient]
) -> None:
    """With asyncpg, and either client: an AsyncClient does not block the loop."""

    async def main() -> None:
        engine = create_async_engine(url(database, "asyncpg"), connect_args={"ssl": context_for(tmp_path)})
        use_tokens(engine, kind.from_env(), host="localhost")
        for _ in range(2):
            async with engine.connect() as connection:
                assert (await connection.execute(ONE)).scalar() == 1
            await engine.dispose()
            entra_clock.advance(HOURS)

    asyncio.run(main())
    assert len(set(check.seen)) == 2


def test_a_pool_of_psycopg_outlives_its_tokens(
    database: Postgres, check: TokenCheck, tmp_path: Path, entra_clock: Clock
) -> None:
    """psycopg_pool calls a function for the options of each new connection."""
    client, fixed = Client.from_env(), verifying(tmp_path)
    conninfo = f"host=localhost port={database.port} dbname=postgres user={APPLICATION}"

    def options() -> dict[str, Any]:
        return {**fixed, "password": client.get_token("postgres").token}

    with ConnectionPool(conninfo, kwargs=options, min_size=1, max_size=1) as pool:
        for _ in range(2):
            with pool.connection(timeout=60) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
                entra_clock.advance(HOURS)
                connection.close()  # as a server does with an old connection
    assert len(set(check.seen)) >= 2


def test_a_pool_of_asyncpg_outlives_its_tokens(
    database: Postgres, check: TokenCheck, tmp_path: Path, entra_clock: Clock
) -> None:
    """asyncpg takes a function for the password, which may be async."""
    import asyncpg

    async def main() -> None:
        client = AsyncClient.from_env()

        async def password() -> str:
            return str((await client.get_token("postgres")).token)

        pool = await asyncpg.create_pool(
            host="localhost",
            port=database.port,
            user=APPLICATION,
            database="postgres",
            password=password,
            ssl=context_for(tmp_path),
            min_size=0,
            max_size=1,
        )
        for _ in range(2):
            assert await pool.fetchval("SELECT 1") == 1
            await pool.expire_connections()
            entra_clock.advance(HOURS)
        await pool.close()

    asyncio.run(main())
    assert len(set(check.seen)) == 2


def test_mysql_takes_a_token_in_clear_text(check: TokenCheck, tmp_path: Path, entra_clock: Clock) -> None:
    """PyMySQL, by TLS; also in a pool that outlives its tokens."""
    with MySql(check, tmp_path) as server:
        address = sqlalchemy.URL.create("mysql+pymysql", APPLICATION, host="localhost", port=server.port)
        options = {"ssl": context_for(tmp_path)}
        engine = sqlalchemy.create_engine(address, connect_args=options, _initialize=False)
        use_tokens(engine, Client.from_env(), "mysql", host="localhost")
        for _ in range(2):
            raw = engine.raw_connection()
            cursor = raw.cursor()
            cursor.execute("SELECT 1")
            assert cursor.fetchall() == ((1,),)
            raw.close()
            engine.dispose()
            entra_clock.advance(HOURS)
    assert len(set(check.seen)) == 2


@pytest.mark.parametrize(
    ("driver", "options", "host", "said"),
    [
        ("psycopg", {"sslmode": "verify-full"}, "", "localhost is not where tokens for postgres belong"),
        ("psycopg", {"sslmode": "verify-full"}, "127.0.0.1", "localhost is not where"),
        ("psycopg", {}, "localhost", "would not verify the server"),
        ("psycopg", {"sslmode": "require"}, "localhost", "would not verify the server"),
        ("asyncpg", {"ssl": "require"}, "localhost", "would not verify the server"),
    ],
)
def test_the_token_goes_only_to_a_verified_server(  # noqa: PLR0917
    database: Postgres, check: TokenCheck, entra: Emulator, driver: str, options: dict[str, str], host: str, said: str
) -> None:
    """No connection is made, and no token requested."""
    before = len(entra.requests)
    if driver == "asyncpg":

        async def connect() -> None:
            engine = create_async_engine(url(database, driver), connect_args=options)
            use_tokens(engine, AsyncClient.from_env(), host=host)
            async with engine.connect():
                pass

        with pytest.raises(UntrustedOrigin, match=said):
            asyncio.run(connect())
    else:
        engine = sqlalchemy.create_engine(url(database, driver), connect_args=options)
        use_tokens(engine, Client.from_env(), host=host)
        with pytest.raises(UntrustedOrigin, match=said):
            engine.connect()
    assert len(entra.requests) == before
    assert check.seen == []


def test_hosts_of_azure_are_the_tokens_own(entra: Emulator) -> None:
    """The catalog's hosts need no `host`; those of another service are refused."""
    from mstoken.integrations.databases import check_connection

    client = Client.from_env()
    check_connection({"host": "contoso.postgres.database.azure.com", "sslmode": "verify-full"}, client)
    for other in ("contoso.database.windows.net", "contoso.postgres.database.azure.com.example.net", ""):
        with pytest.raises(UntrustedOrigin):
            check_connection({"host": other, "sslmode": "verify-full"}, client)


def test_other_drivers_are_refused_by_name(entra: Emulator) -> None:
    with pytest.raises(UsageError, match="the driver pysqlite"):
        use_tokens(sqlalchemy.create_engine("sqlite://"), Client.from_env())


def test_the_structure_of_sql_server() -> None:
    """Length in bytes, little-endian, then UTF-16. tests/clients compares it with mssql-python's own."""
    assert sql_server_token("eyJ") == b"\x06\x00\x00\x00e\x00y\x00J\x00"
    assert SQL_COPT_SS_ACCESS_TOKEN == 1256


def test_redis_entraid_takes_our_client(entra: Emulator) -> None:
    """A real Redis with an ACL user named by the object ID, whose passwords are the tokens that Entra issued."""
    import redis
    from redis.auth.token_manager import RetryPolicy, TokenManagerConfig
    from redis_entraid.cred_provider import EntraIdCredentialsProvider

    client = Client.from_env()
    token = client.get_token("redis").token
    app = entra.state.default_app.id
    principal = next(one for one in entra.state.default_tenant.principals if one.app == app).id
    server = RedisServer()
    socket = f"{server.folder}/socket"
    try:
        owner = redis.Redis(unix_socket_path=socket)
        owner.acl_setuser(principal, enabled=True, passwords=[f"+{token}"], keys=["*"], categories=["+@all"])
        owner.acl_setuser("default", enabled=False)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(unix_socket_path=socket).ping()
        config = TokenManagerConfig(0.7, 0, 10_000, RetryPolicy(3, 100))
        provider = EntraIdCredentialsProvider(redis_identity_provider(client), config)
        ours = redis.Redis(unix_socket_path=socket, credential_provider=provider)
        assert ours.set("key", "value") is True
        assert ours.acl_whoami() == principal
        provider._token_mgr.stop()
        ours.close()
        owner.close()
    finally:
        server.stop()
