"""From tidy tables to a report: figures, tables and words."""
