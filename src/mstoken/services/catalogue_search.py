"""Search for services, and find the closest matches for an unknown word."""

from __future__ import annotations

from mstoken.services.catalogue import Service, catalogue


def search(text: str) -> tuple[Service, ...]:
    """Return the services that contain every word of `text`, best match first.

    The search covers name, title, notes, scopes, hosts and application id. An exact name or alias comes first, then
    names that begin with the text, then titles, then the rest, each group in the catalogue's order. An empty text
    matches all services.
    """
    words = text.lower().split()
    whole = " ".join(words)
    ranked = [(rank, service) for service in catalogue() if (rank := _rank(service, words, whole)) is not None]
    return tuple(service for _, service in sorted(ranked, key=lambda pair: pair[0]))


def _rank(service: Service, words: list[str], whole: str) -> int | None:
    names = (service.name, *service.aliases)
    texts = [*names, service.title, service.notes, service.app_id, *service.identifiers]
    for endpoint in service.endpoints.values():
        texts += [endpoint.scope, endpoint.api, *endpoint.hosts]
    hay = " ".join(texts).lower()
    if not all(word in hay for word in words):
        return None
    if whole in names:
        return 0
    if any(name.startswith(whole) for name in names):
        return 1
    return 2 if all(word in service.title.lower() for word in words) else 3


def closest(text: str, count: int = 3) -> tuple[str, ...]:
    """Return the names of the services whose name, alias or fixed API host is most similar to `text`; empty if none."""
    from difflib import get_close_matches

    words: dict[str, str] = {}
    for service in catalogue():
        for word in (service.name, *service.aliases):
            words.setdefault(word, service.name)
        for endpoint in service.endpoints.values():
            for host in endpoint.hosts:
                words.setdefault(host.removeprefix("*."), service.name)
    wanted = text.lower()[:100]
    near = get_close_matches(wanted, words, n=count * 3, cutoff=0.7)
    return tuple(dict.fromkeys(words[word] for word in near))[:count]
