"""SHACL: shapes compiled to queries over all focus nodes at once, and validation reports."""

from kg.shapes.model import Shape, ShapesGraph
from kg.shapes.parser import load_shapes
from kg.shapes.propose import propose, proposed_document
from kg.shapes.report import ValidationReport, ValidationResult
from kg.shapes.validate import validate

__all__ = ["Shape", "ShapesGraph", "ValidationReport", "ValidationResult", "load_shapes", "propose", "proposed_document", "validate"]
