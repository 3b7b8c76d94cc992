"""The ledger: the facts that change, kept as items of one DynamoDB table, each changed on a condition."""
