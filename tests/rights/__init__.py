"""Who may do what, tried: each role of the synthesized template against a local cloud that enforces its policy."""
