"""The cloud of the embedded staging: EC2, SSM and STS on one endpoint, and the fleet of machines behind it."""
