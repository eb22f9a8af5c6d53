"""The workspace runtime: boots the agent, wires its plugins, reports to the platform and answers A2A requests.

Standard library only, and of that only what starts quickly: a boot and every look from outside start an interpreter of
their own. Hence named tuples and not dataclasses, whose module costs a tenth of a whole boot.
"""
