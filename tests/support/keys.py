"""Keys for installations under test: random once and fixed since, so that a run can be repeated."""

SECRET_KEY = "Vv9sTq2LhE4mZrKx8PdWc1GnYb7uJf3AoRi6tQ5kXe"
VAULT_KEY = "0ctw065lNY0DfvVVnj3CK3qgKriJjV8VTi0AJ65vKAA="
