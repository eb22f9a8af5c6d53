"""HTTP clients for the control plane, the tenant and its agents."""
