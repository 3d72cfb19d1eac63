"""The errors of `resolve`, each with a remedy, and the texts of its warnings."""

from __future__ import annotations

from mstoken import clouds
from mstoken.errors import UsageError
from mstoken.messages import advice
from mstoken.services.catalogue_search import closest
from mstoken.services.strict_url import HttpUrl, redacted
from mstoken.texts import did_you_mean
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mstoken.clouds import Cloud
    from mstoken.services.catalogue import Service

_LIST = "`mstoken services` lists and searches them."
_OUTSIDE = "For an API outside the catalogue give its scope: "


def unreadable(text: str) -> UsageError:
    """Return the error for a text that is neither a name nor a URL nor a scope."""
    return UsageError(
        f"{redacted(text)} is no service, URL, resource or scope.",
        f"Name a service such as graph, or give a URL that begins with https://. {_LIST}",
    )


def unknown_name(name: str) -> UsageError:
    """Return the error for a word that names no service. The error suggests the closest names."""
    return UsageError(
        f"There is no service called {redacted(name)}.",
        f"{did_you_mean(closest(name))}{_LIST} {_OUTSIDE}{_scope_of('RESOURCE')}",
    )


def no_scope(text: str) -> UsageError:
    """Return the error for a text that was given as a scope and is not one."""
    return UsageError(
        f"{redacted(text)} is not a scope.",
        "A scope is a resource with a permission or /.default, such as https://graph.microsoft.com/User.Read; of "
        "Microsoft Graph the permission alone is enough: User.Read.",
    )


def no_permission(word: str, resource: str) -> UsageError:
    """Return the error for a word that is beside a service's name and does not have the form of a permission."""
    return UsageError(
        f"{redacted(word)} is not the name of a permission.",
        f"Permissions are called like User.Read or user_impersonation. If it is one, write the scope in full: "
        f"{resource}/{word}. For all that was consented, "
        f"{advice(options='leave --scope out', python='name the service alone')}.",
    )


def no_address(at: HttpUrl, service: Service, api: str) -> UsageError:
    """Return the error for a URL at a service's host that is neither an API's address nor a scope.

    A token for the whole service would be a guess.
    """
    return UsageError(
        f"{redacted(at.identifier)} is neither a scope nor an address of {service.title}; those begin with {api}.",
        f"Correct it, or name what you mean: {service.name} for all that was consented, "
        f"{advice(options='--scope', python='the whole scope')} for one permission.",
    )


def space_in_url(text: str) -> UsageError:
    """Return the error for a URL that contains a space."""
    base, mark, _ = text.partition("?")
    spelling = f"{redacted(base.replace(' ', '%20'))}{'?…' if mark else ''}"
    return UsageError(
        f"The URL {redacted(text)} has a space in it; a URL has none.", f"Write %20 for a space: {spelling}"
    )


def mixed_default(resource: str) -> UsageError:
    """Return the error for `/.default` beside other scopes of its resource, which Entra refuses (AADSTS70011)."""
    return UsageError(
        f"{resource}/.default is all that was consented, so it cannot be asked for together with single permissions of "
        "the same resource; Entra refuses that (AADSTS70011).",
        "Ask for either /.default or the permissions. openid, profile, email and offline_access may stand beside it.",
    )


def unknown_host(at: HttpUrl) -> UsageError:
    """Return the error for an API's URL at a host that belongs to no known service: any token would be a guess."""
    near = closest(at.host)
    hint = f" The nearest services are {', '.join(near)}." if near else ""
    return UsageError(
        f"No service in the catalogue has the host {redacted(at.host)}, so no token was chosen for it.{hint}",
        f"Say which token it needs: {_scope_of('RESOURCE')} (or the service's name).",
    )


def odd_address(at: HttpUrl, service: Service) -> UsageError:
    """Return the error for a URL at a known host with a port or a path that the service does not have."""
    return UsageError(
        f"{redacted(at.identifier)} is at {service.title}'s host, but with a port or a double slash it does not have.",
        f"Correct the URL, or name the service: {service.name}",
    )


def not_https(text: str) -> UsageError:
    """Return the error for an http URL: anyone on the network path can read its token (RFC 6750 section 5.3)."""
    return UsageError(f"{redacted(text)} would carry the token in clear.", "Use https://.")


def not_in_cloud(service: Service, cloud: Cloud) -> UsageError:
    """Return the error for a service that the catalogue has, but not in this cloud."""
    return UsageError(
        f"{service.title} ({service.name}) is not known in the cloud {cloud.name} ({cloud.title}).",
        f"It is known in: {', '.join(service.clouds)}. If you know its scope there, give it: {_scope_of('RESOURCE')}",
    )


def needs_instance(service: Service) -> UsageError:
    """Return the error for a missing instance: the service has one audience per customer."""
    return UsageError(
        f"{service.title} has a token of its own for each instance, and none was named.",
        f"Name it: {_example(service)}, or give its URL.",
    )


def bad_instance(service: Service, instance: str) -> UsageError:
    """Return the error for an instance whose name, after the colon, is invalid for this service."""
    return UsageError(
        f"{redacted(instance)} does not name an instance of {service.title}.",
        f"It looks like this: {_example(service)}",
    )


def no_instances(service: Service) -> UsageError:
    """Return the error for `name:instance` if all customers share the service."""
    return UsageError(
        f"{service.title} has one address for everybody, so nothing goes after the colon.",
        f"Ask for {service.name}, or give the URL or scope in full.",
    )


def _scope_of(resource: str) -> str:
    """Return how to pass a scope: an option of the command, or an argument in Python."""
    return advice(options=f"--scope {resource}/.default", python=f'"{resource}/.default"')


def _example(service: Service) -> str:
    forms = service.instances or ("*",)
    parts = ["NAME", "PART", "PART"][: max(1, forms[0].count("*"))]
    return f"{service.name}:{'.'.join(parts)}"


def ambiguous(host: str, services: Iterable[Service]) -> UsageError:
    """Return the error for a host that several services share, if they need different tokens."""
    names = ", ".join(dict.fromkeys(service.name for service in services))
    return UsageError(f"Several services have the host {host}: {names}.", "Name the one you mean, or give its scope.")


def elsewhere(text: str, names: Iterable[str], cloud: Cloud) -> str:
    """Return the warning that `text` belongs to another cloud."""
    titles = " or ".join(clouds.cloud(name).title for name in dict.fromkeys(names))
    return f"{text} belongs to the cloud {titles}, but the cloud in use is {cloud.title}."


def other_cloud(text: str, names: list[str], cloud: Cloud) -> UsageError:
    """Return the error for a URL or resource of another cloud, which refuses tokens of this cloud's authority."""
    found = dict.fromkeys(names)
    flags = " or ".join(advice(options=f"--cloud {name}", python=f'authority="{name}"') for name in found)
    return UsageError(elsewhere(text, names, cloud), f"Sign in to that cloud: {flags}")
