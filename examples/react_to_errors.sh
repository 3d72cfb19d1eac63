#!/usr/bin/env bash
# React to an exit code, and have the error explained. docs/errors.md lists the codes.
set -uo pipefail

mstoken get partner > /dev/null 2> error.txt
case $? in
    0) echo "got a token" ;;
    3) echo "sign-in required" ;;
    4) echo "an administrator must act" ;;
    5) echo "try again later" ;;
    *) echo "the call itself is wrong" ;;
esac
mstoken explain AADSTS50076 | head -1

# Output:
#   sign-in required
#   AADSTS50076 UserStrongAuthClientAuthNRequired
