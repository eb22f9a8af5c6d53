"""Named misbehaviours of the twin: what there is (by area), when each is on, and the trace that it acted."""
