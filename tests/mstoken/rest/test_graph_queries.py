"""Which requests to Microsoft Graph are advanced queries."""

from __future__ import annotations

import pytest

from mstoken.rest.graph_queries import advanced_query

ROOT = "https://graph.microsoft.com/v1.0"


@pytest.mark.parametrize(
    ("path", "needed", "counts"),
    [
        ("/users", False, False),
        ("/users?$filter=accountEnabled eq true", False, False),
        ("/users?$filter=startsWith(displayName,'A')", False, False),
        ("/users?$orderby=displayName", False, False),
        ("/users?$filter=companyName ne 'x'", True, True),
        ("/users?$filter=companyName%20ne%20null", True, True),
        ("/users?%24filter=companyName+ne+null", True, True),
        ("/users?filter=companyName ne null", True, True),
        ("/users?$filter=NOT(companyName eq 'x')", True, True),
        ("/users?$filter=endsWith(mail,'@contoso.com')", True, True),
        ("/users?$filter=endswith(mail,'@contoso.com')&$count=true", True, False),
        ("/users?$filter=companyName ne null&$count=false", True, False),
        ("/users?$filter=displayName eq 'do not ne endsWith'", False, False),
        ("/users?$filter=displayName eq 'it''s not' and accountEnabled eq true", False, False),
        ("/users?$filter=accountEnabled eq true&$orderby=displayName", True, True),
        ("/users?$filter=assignedLicenses/$count eq 0", True, True),
        ('/users?$search="displayName:a"', True, False),
        ("/users?$count=true", True, False),
        ("/users/$count", True, False),
        ("/users/$count?$filter=companyName ne null", True, False),
        ("/groups/1/members?$count=true", True, False),
        ("/groups/1/transitiveMembers/microsoft.graph.user?$search=a", True, False),
        ("/groups/1/members/microsoft.graph.user/$count", True, False),
        ("/me/memberOf?$count=true", True, False),
        ("/me/messages?$search=pizza", False, False),
        ("/me/messages?$filter=from ne null", False, False),
        ("/me/messages/$count", False, False),
        ("/teams/1/members?$count=true", False, False),
        ("/users/1?$count=true", False, False),
        ("/sites?search=contoso", False, False),
    ],
)
def test_advanced_queries_on_directory_objects_get_what_they_need(path: str, needed: object, counts: object) -> None:
    """The header, and $count=true for a filter; words in strings, and other collections, do not count."""
    url = ROOT + path
    assert advanced_query(url, ["Prefer"]) == (f"{url}&$count=true" if counts else url, needed)


def test_a_caller_who_sets_the_header_decides() -> None:
    url = f"{ROOT}/users?$filter=companyName ne null"
    assert advanced_query(url, ["consistencylevel"]) == (url, False)
