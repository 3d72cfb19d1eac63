"""Fuzz targets for atheris."""
