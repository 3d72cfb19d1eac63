"""Add tokens to requests. `auth` renews the token by itself, and answers an API's claims challenge."""

import requests

from mstoken import Client

with requests.Session() as session:
    session.auth = Client.from_env().auth("arm")
    response = session.get("https://management.azure.com/subscriptions?api-version=2022-12-01", timeout=30)
    print([subscription["displayName"] for subscription in response.json()["value"]])

# Output:
#   ['Northwind Production']
