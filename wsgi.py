"""The WSGI entry point: `gunicorn wsgi:app`."""

from registry import create_app
from registry.serve import settle

app = create_app()
settle()
