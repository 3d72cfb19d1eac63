"""A machine that renews one sign-in repeatedly: `python renewal_loop.py REDIS AUTHORITY TENANT CLIENT_ID SECONDS`.

Each refresh token is single-use. It prints the number of renewals, and the errors.
"""

from __future__ import annotations

import sys
import time

from mstoken import Client, MstokenError, RefreshToken, redis_stores


def main(redis: str, authority: str, tenant: str, client_id: str, seconds: str) -> None:
    credential = RefreshToken(account="anna", single_use=True)
    client = Client(tenant, client_id, credential, authority, redis_stores(redis, b"\x07" * 32))
    until, renewals, failures = time.monotonic() + float(seconds), 0, []
    while time.monotonic() < until or renewals < 2:
        try:
            client.renew_sign_in()
            renewals += 1
        except MstokenError as error:
            failures.append(str(error))
            break
    sys.stdout.write(f"{renewals} {failures}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
