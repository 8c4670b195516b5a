"""Parts of scripts/faults and scripts/soak: real processes, real sockets, one event loop."""
