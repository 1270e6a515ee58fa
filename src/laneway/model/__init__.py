"""What a user declares: lane groups, lanes, services, workloads and gateways.

The lowest layer. Everything here is immutable and pure, and independent of Envoy, YAML and clocks.
"""
