"""The Microsoft hosts that the emulator serves, by cloud. Source: data/clouds.toml."""

import functools
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

Service = Literal["login", "b2c", "graph", "arm", "partner", "vault", "acr", "blob", "adfs", "admin"]
SERVICES: tuple[Service, ...] = ("login", "graph", "arm", "partner", "vault", "acr", "blob")
_OWN_HOSTS = frozenset({"vault", "acr", "blob"})
"""The services in whose domains each instance has its own host."""


@dataclass(frozen=True)
class Cloud:
    """One national cloud. `login[0]` is the preferred host; `realm` is the cloud whose tenants and APIs it shares.

    `regional` is the domain of the regional sign-in hosts, `mtls` that of the hosts for mutual TLS. `vault` is the
    domain in which each key vault has its own host, `acr` that of the container registries, `blob` that of storage
    accounts. `device`: the page where a user enters a device's code, if that is not on the sign-in host. `external` and
    `user_flows`: the domains in which External ID and Azure AD B2C give each tenant a sign-in host.
    """

    name: str
    instance: str
    login: list[str]
    sts: str
    realm: str = ""
    preferred_cache: str = ""
    regional: str = ""
    mtls: str = ""
    device: str = ""
    graph: list[str] = field(default_factory=list)
    arm: list[str] = field(default_factory=list)
    partner: list[str] = field(default_factory=list)
    vault: list[str] = field(default_factory=list)
    acr: list[str] = field(default_factory=list)
    blob: list[str] = field(default_factory=list)
    aad_graph: str = ""
    rbac: str = ""
    external: str = ""
    user_flows: str = ""
    listed: bool = False

    @property
    def shares(self) -> str:
        """The name of the cloud in which to look up tenants and resources."""
        return self.realm or self.name

    def has_region(self, host: str) -> bool:
        """Return whether a host is the sign-in service of one region (`westeurope.login.microsoft.com`)."""
        return bool(self.regional) and host.partition(".")[2] == self.regional

    def is_mtls(self, host: str) -> bool:
        """Whether a host is the token endpoint for mutual TLS, of the cloud or of one of its regions."""
        return bool(self.mtls) and self.mtls in (host, host.partition(".")[2])

    def hosts(self, service: Service) -> list[str]:
        """Return the hosts of one service in this cloud; may be empty."""
        found: list[str] = getattr(self, service)
        return found

    def metadata(self) -> dict[str, object]:
        """Return this cloud's entry in the response of instance discovery."""
        return {
            "preferred_network": self.login[0],
            "preferred_cache": self.preferred_cache or self.login[0],
            "aliases": self.login,
        }


@functools.cache
def clouds() -> tuple[Cloud, ...]:
    """Return every cloud, the public one first."""
    table = tomllib.loads(resources.files(__package__).joinpath("data/clouds.toml").read_text(encoding="utf-8"))
    return tuple(Cloud(**fields) for fields in table["clouds"])


def public() -> Cloud:
    """Return the public cloud, which also stands for localhost."""
    return clouds()[0]


@functools.cache
def _by_host() -> dict[str, tuple[Cloud, Service]]:
    return {host: (cloud, service) for cloud in clouds() for service in SERVICES for host in cloud.hosts(service)}


def served(host: str) -> tuple[Cloud, Service] | None:
    """The cloud and service behind a host name, None for a host that is not Microsoft's or not emulated.

    Every host in a domain of key vaults belongs to a vault; the same applies to container registries. Regional sign-in
    hosts (`westeurope.login.microsoft.com`) and hosts for mutual TLS count as their cloud's sign-in host, and so do
    External ID's (`contoso.ciamlogin.com`).
    """
    host = host.lower().rstrip(".")
    if found := _by_host().get(host):
        return found
    _, _, parent = host.partition(".")
    if (found := _by_host().get(parent)) and found[1] in _OWN_HOSTS:
        return found
    for cloud in clouds():
        if cloud.has_region(host) or cloud.is_mtls(host):
            return cloud, "login"
        if parent and parent == cloud.external:
            return cloud, "login"
        if parent and parent == cloud.user_flows:
            return cloud, "b2c"
    return None


CUSTOM = "test"
"""The top-level domain of custom domains. The certificate authority vouches for no other name outside Microsoft's."""


def may_be_custom(host: str) -> bool:
    """Return whether a host may be a tenant's custom domain: only a name that nobody can own (RFC 2606 section 2)."""
    return host.lower().rstrip(".").endswith(f".{CUSTOM}")


def every_host() -> list[str]:
    """Return all host names, and the domains of others, for the certificate authority's name constraints."""
    of_clouds = ((cloud.regional, cloud.mtls, cloud.external, cloud.user_flows) for cloud in clouds())
    domains = {domain for cloud in of_clouds for domain in cloud if domain}
    return sorted({*_by_host(), *domains, CUSTOM})
