"""What a user declares: lane groups, lanes, services, workloads and gateways.

The ground floor. Everything here is immutable and pure; nothing here knows Envoy, YAML or a clock.
"""
