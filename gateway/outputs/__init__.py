"""Outputs for the elder, one file each; `gateway/output_registry.py` lists them."""
