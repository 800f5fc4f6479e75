"""What a call costs the gateway, in CPU time, beside a pass-through that does nothing else. `python -m benchmarks`."""
