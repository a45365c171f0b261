"""Steps of a visitor who signs in."""

GOOD_PASSWORD = "lantern orbit walrus"


def try_password(visitor, email, password, **options):
    visitor.get("/login")
    return visitor.submit("/login", {"email": email, "password": password}, **options)


def is_signed_in(visitor):
    return visitor.get("/account").status_code == 200
