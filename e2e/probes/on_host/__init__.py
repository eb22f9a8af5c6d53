"""What is shipped to a host and runs there: standard library only, Python >= 3.10, ``python3 -I -S``.

Its rule is *project, do not redact*: a fact leaves the host only if this package names it (a state, a count, a name
that fits a narrow pattern, a known core of a log line). Nothing that was merely read is ever passed on, so a secret
in a file, a log or an answer has no way out. SSM keeps output for 30 days.
"""
