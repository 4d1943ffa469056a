"""From a source's rows to versioned rows of the lake."""
