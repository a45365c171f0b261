"""What every page shares: CSRF, error pages, fragments, headers, limits.

May import: the floor. Holds no page of its own but the error page and the health endpoints.
"""
