"""React to what can go wrong. Every error has a message and a remedy; docs/errors.md draws the tree."""

from mstoken import Client, MstokenError, SignInRequired, Throttled


def get_token(service: str) -> None:
    try:
        Client.from_env().get_token(service)
    except SignInRequired as error:
        print("A person must sign in.", error.remedy)
    except Throttled as error:
        print("Try again in", error.retry_in, "seconds.")
    except MstokenError as error:
        print(error.message)
    else:
        print("It worked.")


get_token("graph")
get_token("partner")
get_token("grahp")

# Output:
#   It worked.
#   A person must sign in. …
#   …
#   …grahp…
#   …
