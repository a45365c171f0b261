"""The whole house, for operators."""
