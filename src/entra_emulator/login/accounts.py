"""User names: who a name means, and whether Entra itself checks the password that goes with it."""

from urllib.parse import quote

from entra_emulator.aadsts import EntraError
from entra_emulator.model import Tenant, User
from entra_emulator.policy.account import check_password
from entra_emulator.state import State

from .exchange import Exchange


def find_person(exchange: Exchange, username: str) -> tuple[Tenant, User]:
    """The user of a name, in the tenant that is their home.

    :raises EntraError: 50034.
    """
    found = exchange.world.state.user(username)
    if found is None:
        tenant = exchange.tenant()
        raise EntraError(50034, tenant=tenant.domain if tenant else username.partition("@")[2] or username)
    return found


def check(exchange: Exchange, home: Tenant, user: User, password: str) -> None:
    """:raises EntraError: what is wrong with the password, or the account."""
    check_password(home, user, password, exchange.world.clock.now())


def is_federated(state: State, username: str) -> bool:
    """Whether the name's domain signs in at an identity provider of its own."""
    domain = username.rpartition("@")[2].lower()
    return any(domain in (one.lower() for one in tenant.federated_domains) for tenant in state.tenants.values())


def realm(exchange: Exchange, username: str) -> dict[str, str]:
    """The answer of user realm discovery 1.0, members as recorded. A federation's hosts are made up;
    personal accounts are a federation of their own."""
    state = exchange.world.state
    domain = username.rpartition("@")[2].lower()
    known = state.tenant(domain, exchange.realm)
    person = state.user(username)
    body = {"ver": "1.0", "account_type": "Unknown"}
    if (person and person[0].personal) or (known and known.personal):
        body |= {
            "account_type": "Federated",
            "domain_name": "live.com",
            "federation_protocol": "WSTrust",
            "federation_metadata_url": "",
            "federation_active_auth_url": "https://login.live.com/rst2.srf",
        }
    elif known:
        body |= {"account_type": "Managed", "domain_name": domain}
        if is_federated(state, username):
            service = f"https://sts.{quote(domain)}/adfs/services/trust"
            body |= {
                "account_type": "Federated",
                "federation_protocol": "WSTrust",
                "federation_metadata_url": f"{service}/mex",
                "federation_active_auth_url": f"{service}/2005/usernamemixed",
            }
    return body | {
        "cloud_instance_name": exchange.site.cloud.instance,
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
