"""An app of the tests alone: `flush`, which empties the database between tests, gets past the audit log's triggers."""
