"""The exit codes of every command: what a script may rely on. docs/cli.md shows this table."""

from __future__ import annotations

DONE = 0
UNEXPECTED = 1
USAGE = 2
SIGN_IN = 3
REFUSED = 4
LATER = 5
SOME_FAILED = 6
INTERRUPTED = 130
"""128 + SIGINT, what shells report for a program that ^C ended."""

MEANING = {
    DONE: "done",
    UNEXPECTED: "unexpected: the cache or the vault cannot be read or written, or a bug",
    USAGE: "usage: the command line, a profile or a setting is wrong or missing; no request was made",
    SIGN_IN: "a person must sign in",
    REFUSED: "refused: credential, consent, policy or configuration; asking again gives the same",
    LATER: "try later: throttled, service or network down, or an answer that cannot be read",
    SOME_FAILED: "some of many failed",
    INTERRUPTED: "interrupted by ^C",
}

# By name, so that the table costs no import of the errors before there is one. The first class of an error's
# ancestry that stands here decides.
_OF_CLASS = {
    "UsageError": USAGE,
    "SignInRequired": SIGN_IN,
    "AuthorizationPending": SIGN_IN,
    "TokenRefused": REFUSED,
    "UntrustedOrigin": REFUSED,
    "UntrustedCertificate": REFUSED,
    "TryLater": LATER,
    "UnreadableAnswer": LATER,
    "StoreError": UNEXPECTED,
}


def exit_code_of(error: BaseException) -> int:
    """The exit code for an error of `mstoken.errors`; UNEXPECTED for any other."""
    names = (ancestor.__name__ for ancestor in type(error).__mro__ if ancestor.__module__ == "mstoken.errors")
    return next((_OF_CLASS[name] for name in names if name in _OF_CLASS), UNEXPECTED)
