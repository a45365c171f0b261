"""Official descriptions of the services' APIs: a module per service whose vendor publishes one in a package.

`DESCRIPTION` names the package and its version. `check(request)` returns what is wrong with a request.
"""
