"""The Microsoft hosts the emulator answers for, by cloud. Read from data/clouds.toml."""

import functools
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

Service = Literal["login", "graph", "arm", "partner", "vault", "admin"]
SERVICES: tuple[Service, ...] = ("login", "graph", "arm", "partner", "vault")


@dataclass(frozen=True)
class Cloud:
    """One national cloud. `login[0]` is the preferred host; `realm` is the cloud whose tenants and APIs it shares.

    `regional` is the domain of the regional sign-in hosts, `mtls` that of the hosts for mutual TLS. `vault` is the
    domain in which each key vault has its own host. `device`: the page where a user enters a device's code, if that is
    not on the sign-in host.
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
    aad_graph: str = ""
    rbac: str = ""
    listed: bool = False

    @property
    def shares(self) -> str:
        """The name by which tenants and resources are looked up."""
        return self.realm or self.name

    def has_region(self, host: str) -> bool:
        """Whether a host is the sign-in service of one region (`westeurope.login.microsoft.com`)."""
        return bool(self.regional) and host.partition(".")[2] == self.regional

    def is_mtls(self, host: str) -> bool:
        """Whether a host is the token endpoint for mutual TLS, of the cloud or of one of its regions."""
        return bool(self.mtls) and self.mtls in (host, host.partition(".")[2])

    def hosts(self, service: Service) -> list[str]:
        """Hosts of one service in this cloud; may be empty."""
        found: list[str] = getattr(self, service)
        return found

    def metadata(self) -> dict[str, object]:
        """This cloud's entry in the answer of instance discovery."""
        return {
            "preferred_network": self.login[0],
            "preferred_cache": self.preferred_cache or self.login[0],
            "aliases": self.login,
        }


@functools.cache
def clouds() -> tuple[Cloud, ...]:
    """Every cloud, the public one first."""
    table = tomllib.loads(resources.files(__package__).joinpath("data/clouds.toml").read_text(encoding="utf-8"))
    return tuple(Cloud(**fields) for fields in table["clouds"])


def public() -> Cloud:
    """The public cloud, which also speaks for localhost."""
    return clouds()[0]


@functools.cache
def _by_host() -> dict[str, tuple[Cloud, Service]]:
    return {host: (cloud, service) for cloud in clouds() for service in SERVICES for host in cloud.hosts(service)}


def served(host: str) -> tuple[Cloud, Service] | None:
    """The cloud and service behind a host name, None for a host that is not Microsoft's or not emulated.

    Every host in a domain for key vaults is a vault's. Regional sign-in hosts (`westeurope.login.microsoft.com`) and
    those for mutual TLS count as their cloud's sign-in host.
    """
    host = host.lower().rstrip(".")
    if found := _by_host().get(host):
        return found
    _, _, parent = host.partition(".")
    if (found := _by_host().get(parent)) and found[1] == "vault":
        return found
    for cloud in clouds():
        if cloud.has_region(host) or cloud.is_mtls(host):
            return cloud, "login"
    return None


def every_host() -> list[str]:
    """All host names, and the domains of regional hosts, for the certificate authority's name constraints."""
    domains = {domain for cloud in clouds() for domain in (cloud.regional, cloud.mtls) if domain}
    return sorted({*_by_host(), *domains})
