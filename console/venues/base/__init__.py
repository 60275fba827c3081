"""What every venue and feed client stands on: requests, streams, throttles, back-off, and the protocol."""
