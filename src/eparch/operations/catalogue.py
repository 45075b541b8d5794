"""Every module that registers operations; importing this one fills the registry."""

import importlib
import pkgutil

import eparch.operations

for _module in pkgutil.iter_modules(eparch.operations.__path__):
    if _module.name != "catalogue":
        importlib.import_module(f"eparch.operations.{_module.name}")
