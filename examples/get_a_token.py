"""Get a token for a service by its name, and use it."""

from mstoken import Client

with Client.from_env() as client:
    token = client.get_token("graph")
    print(token.token_type, "token with", token.token.count("."), "dots")

    response = client.request("GET", "https://graph.microsoft.com/v1.0/organization")  # gets the token that it needs
    print(response.status)

# Output:
#   Bearer token with 2 dots
#   200
