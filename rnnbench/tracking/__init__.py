"""The only package that knows MLflow: it writes results, reads them back, and makes their pages."""
