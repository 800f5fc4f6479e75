"""Who may make which call: one readable table, and the proof that it is whole and true."""
