"""Every speed we claim, measured beside its peers in one run: `python -m bench`.

measures/     one file per row of the table: what is raced, and what is to be reached
contenders/   one file per library that runs in a race, ours among them; each function is one run in a process
              of its own
racing.py     rounds, medians, verdicts
page.py       docs/speed.md and plots.py its pictures, both from bench/results.json alone
"""
