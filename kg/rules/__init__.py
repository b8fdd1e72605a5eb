"""Rule files of every kind into the one inner form of `kg.reasoner`: SPARQL-RL, SWRL, SHACL rules."""
