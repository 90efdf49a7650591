"""Results that travel without a store: Parquet files and a manifest in a folder, `data/` of a report."""
