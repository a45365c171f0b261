"""The AI clients page: how to point each client at us, what has access, what went wrong."""
