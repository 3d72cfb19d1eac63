"""OData queries as Graph supports them: one file each for types, options, filters, search and responses."""

from .collections import Expansion, collection, count, entity
from .schema import EntityType, entity_type

__all__ = ["EntityType", "Expansion", "collection", "count", "entity", "entity_type"]
