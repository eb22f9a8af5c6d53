"""Ways to look into a host: discovery, transports and the envelope that protects what comes back."""
