"""Password hashes that cost microseconds instead of 30 ms each: tests make and check thousands."""

from argon2 import PasswordHasher

from app.accounts import passwords

PRODUCT_HASHER = passwords._hasher


def use_quick_hashes() -> None:
    """Hash passwords and codes with the least memory that argon2id takes, in this process only."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
