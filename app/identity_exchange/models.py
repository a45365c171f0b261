"""The logins this package exchanges are stored with the others, in `accounts.models`."""

from app.accounts.models import FirebaseIdentity as FirebaseIdentity
