"""The local token service: `mstoken serve` and `mstoken exec`. One file per contract that it speaks."""
