"""Tests of the stacks: one synth per session, fine-grained assertions, the machine executed from its template."""
