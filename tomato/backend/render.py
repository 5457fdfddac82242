"""Jinja, and nothing else of it anywhere: templates see one frozen view and no undefined names."""

from functools import cache

import jinja2

from tomato.backend.quoting import FILTERS
from tomato.core.assets import asset


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(asset("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
    )
    environment.filters.update(FILTERS)
    return environment


def render(template: str, view: object) -> str:
    """Render `template` with one view-model, which it sees as `v`."""
    return _environment().get_template(template).render(v=view)
