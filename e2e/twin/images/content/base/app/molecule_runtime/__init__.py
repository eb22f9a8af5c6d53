"""The workspace runtime: boots the agent, wires its plugins, reports to the platform and answers A2A requests."""
