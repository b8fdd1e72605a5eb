"""The server: `create_app` makes a WSGI application of a project or of an open graph."""

from api.app import create_app

__all__ = ["create_app"]
