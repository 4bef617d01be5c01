"""The database at the edge: connections and forward-only migrations."""
