"""A company gets in by API: register, confirm, activate."""
