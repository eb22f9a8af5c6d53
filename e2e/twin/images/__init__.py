"""The images of the twin's containers: their content as files, and the catalogue that makes root folders of it."""

from e2e.twin.images.catalogue import BEFORE_FIX_IMAGE, DEFAULT_IMAGE, ENTRYPOINT, Image, catalogue

__all__ = ["BEFORE_FIX_IMAGE", "DEFAULT_IMAGE", "ENTRYPOINT", "Image", "catalogue"]
