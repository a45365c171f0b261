"""The page over the audit trail: who did what, and proof that nothing was changed afterwards."""
