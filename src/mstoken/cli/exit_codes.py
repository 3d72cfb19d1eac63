"""The exit codes of every command, which scripts may rely on. docs/cli.md shows this table."""

from __future__ import annotations

DONE = 0
UNEXPECTED = 1
USAGE = 2
SIGN_IN = 3
REFUSED = 4
LATER = 5
SOME_FAILED = 6
INTERRUPTED = 130
"""128 + SIGINT, which shells report for a program that ^C ended."""

MEANING = {
    DONE: "done",
    UNEXPECTED: "unexpected: the cache or the vault cannot be read or written, or a bug",
    USAGE: "usage: the command line, a profile or a setting is wrong or missing; no request was made",
    SIGN_IN: "sign-in required",
    REFUSED: "refused: credential, consent, policy or configuration; another attempt gives the same result",
    LATER: "try later: throttled, service or network down, or an answer that cannot be read",
    SOME_FAILED: "some of many failed",
    INTERRUPTED: "interrupted by ^C",
}

# Class names, so that the table imports no errors. The first class in an error's method resolution order decides.
_OF_CLASS = {
    "UsageError": USAGE,
    "SignInRequired": SIGN_IN,
    "AuthorizationPending": SIGN_IN,
    "TokenRefused": REFUSED,
    "ApiRefused": REFUSED,
    "UntrustedOrigin": REFUSED,
    "UntrustedCertificate": REFUSED,
    "TryLater": LATER,
    "UnreadableAnswer": LATER,
    "StoreError": UNEXPECTED,
}


def exit_code_of(error: BaseException) -> int:
    """Return the exit code for an error of `mstoken.errors`; UNEXPECTED for any other."""
    names = (ancestor.__name__ for ancestor in type(error).__mro__ if ancestor.__module__ == "mstoken.errors")
    return next((_OF_CLASS[name] for name in names if name in _OF_CLASS), UNEXPECTED)
