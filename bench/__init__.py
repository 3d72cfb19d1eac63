"""Every speed that mstoken claims, measured beside its peers in one run: `python -m bench`.

benchmarks/   one file per benchmark: what runs, and the goals
clients/      one file per library that is measured, mstoken included; each function is one run in its own process
rounds.py     runs the candidates of a benchmark in rounds
results.py    samples, ratios and verdicts, and their form in bench/results.json
page.py       writes docs/speed.md, with charts.py and summary.py for its pictures, from bench/results.json alone
"""
