"""What every page shares: CSRF, error pages, fragments, headers, limits, the application's services.

May import: the floor. It has no pages of its own except the error page and the health endpoints.
"""
