"""Exports: answers in the forms that other programs read — GraphML, CSV, and JSON made of a template and its queries."""

from kg.exports.graphml import graphml
from kg.exports.template import Template, filled, find, read_template
from kg.exports.written import written

__all__ = ["Template", "filled", "find", "graphml", "read_template", "written"]
