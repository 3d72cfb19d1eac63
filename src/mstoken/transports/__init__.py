"""HTTP behind a one-method port: one blocking transport on `ssl` and `http.client`, and one way to use it in asyncio.

Reading order: `blocking` (a request from start to end), `pool` (kept connections), `connection` (one request on one
connection), `connecting` (from a URL to an open connection: `resolving`, `dialing`, `tunnel`, `tls`), `proxies` and
`trust` (what the environment says), `failures` (what the errors say), `asyncio` and `workers`.
"""
