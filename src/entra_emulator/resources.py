"""The APIs that a token can be for: Microsoft's own, from data/resources.toml, and registered applications."""

import fnmatch
import functools
import tomllib
from dataclasses import dataclass, field
from importlib import resources as files

GRAPH = "00000003-0000-0000-c000-000000000000"
AAD_GRAPH = "00000002-0000-0000-c000-000000000000"
ARM = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
CONTAINER_REGISTRY = "76c92352-c057-4cc2-9b1e-f34c32bc58bd"
KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
PARTNER_CENTER = "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd"


@dataclass(frozen=True)
class Resource:
    """An API. `identifiers` are its identifier URIs by cloud, without trailing slash; `*` stands for a name.

    `personal`: personal Microsoft accounts can get tokens for it. `hashed_nonce`: only the API itself can validate its
    tokens, whose signature covers the SHA-256 of a nonce in the header. `group_claims`: its groupMembershipClaims.
    `registered`: it is an application of a tenant, not Microsoft's.
    """

    app_id: str
    name: str
    identifiers: dict[str, list[str]] = field(default_factory=dict)
    token_version: int = 1
    optional_claims: tuple[str, ...] = ()
    cae: bool = False
    personal: bool = False
    hashed_nonce: bool = False
    group_claims: str = ""
    registered: bool = False

    def answers_to(self, identifier: str, realm: str | None) -> bool:
        """Return whether `identifier` (a URI or the application id) names this resource in a cloud (None: in any)."""
        wanted = identifier.lower().rstrip("/")
        if wanted == self.app_id:
            return True
        lists = self.identifiers.values() if realm is None else [self.identifiers.get(realm, [])]
        return any(matches(own, wanted) for own_list in lists for own in own_list)


def matches(registered: str, wanted: str) -> bool:
    """Compare identifier URIs as Entra does, ignoring letter case and a trailing slash."""
    registered = registered.lower().rstrip("/")
    return fnmatch.fnmatchcase(wanted, registered) if "*" in registered else wanted == registered


@functools.cache
def first_party() -> tuple[Resource, ...]:
    """Return Microsoft's own APIs, the most used first."""
    table = tomllib.loads(files.files(__package__).joinpath("data/resources.toml").read_text(encoding="utf-8"))
    return tuple(
        Resource(**{**fields, "optional_claims": tuple(fields.get("optional_claims", ()))})
        for fields in table["resources"]
    )


@functools.cache
def _index() -> dict[str, Resource]:
    return {resource.app_id: resource for resource in first_party()}


@functools.cache
def _registered() -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the identifiers of Microsoft's other applications by id, and the ids by identifier in lower case."""
    text = files.files(__package__).joinpath("data/first_party.toml").read_text(encoding="utf-8")
    by_id: dict[str, list[str]] = tomllib.loads(text)
    return by_id, {uri.lower().rstrip("/"): app_id for app_id, uris in by_id.items() for uri in uris}


@functools.lru_cache(maxsize=1024)
def find_registered(identifier: str, realm: str | None) -> Resource | None:
    """Return an API of Microsoft's of which only the identifiers in the public cloud are known.

    The list is long, so search it last.
    """
    by_id, by_uri = _registered()
    wanted = identifier.lower().rstrip("/")
    app_id = wanted if wanted in by_id else ""
    if not app_id and realm in (None, "public"):
        scheme, _, rest = wanted.partition("://")
        forms = (wanted, f"{scheme}://*.{rest.partition('.')[2]}", f"{wanted.rpartition('/')[0]}/*")
        app_id = next((by_uri[form] for form in forms if form in by_uri), "")
    if not app_id:
        return None
    described = _index().get(app_id)  # an identifier that resources.toml does not list
    return described or Resource(app_id, by_id[app_id][0], {"public": by_id[app_id]})


@functools.lru_cache(maxsize=1024)
def find_first_party(identifier: str, realm: str | None) -> Resource | None:
    """Return the API in data/resources.toml with this identifier URI or application id."""
    if direct := _index().get(identifier.lower()):
        return direct
    return next((resource for resource in first_party() if resource.answers_to(identifier, realm)), None)
