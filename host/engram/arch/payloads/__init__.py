"""Payloads as bytes, one file for each format: its header, and where its parts lie."""
