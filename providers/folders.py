"""Provider folders on disk: finds them, and imports of each only what is asked for."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from providers.base.metadata import ProviderMetadata

if TYPE_CHECKING:
    from providers.base.llm import BaseLLM
    from providers.base.provider import LLMProvider

HOME = Path(__file__).parent
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Folder:
    """One provider folder. `package` is its import name."""

    path: Path
    package: str
    metadata: ProviderMetadata

    def provider_class(self) -> type[LLMProvider]:
        """`PROVIDER` of the folder's `connector.py`; a folder without one speaks OpenAI's dialect as its metadata says."""
        if (self.path / "connector.py").is_file():
            provider: type[LLMProvider] = self.module("connector").PROVIDER
            return provider
        from providers.base.openai_compatible import OpenAICompatibleProvider

        return OpenAICompatibleProvider

    def llm_class(self, model: str) -> type[BaseLLM]:
        """The class of one model: `MODELS[model]` in the folder's `models/`, else the folder's or the general one."""
        if (self.path / "models" / "__init__.py").is_file():
            own = getattr(self.module("models"), "MODELS", {}).get(model)
            if own is not None:
                found: type[BaseLLM] = own
                return found
        return self._base_llm()

    def offer(self, name: str) -> Any:
        """A public name of this folder: from its package, its connector, or made from what every folder has."""
        modules = [importlib.import_module(self.package)]
        if (self.path / "connector.py").is_file():
            modules.append(self.module("connector"))
        for module in modules:
            if hasattr(module, name):
                return getattr(module, name)
        made = self._make(name)
        if made is None:
            raise AttributeError(f"The provider folder {self.metadata.slug!r} offers no {name!r}.")
        return made

    def module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self.package}.{name}")

    def _base_llm(self) -> type[BaseLLM]:
        """`BASE_LLM` of the folder's `connector.py`, else the general one."""
        from providers.base.llm import BaseLLM

        if (self.path / "connector.py").is_file():
            own: type[BaseLLM] = getattr(self.module("connector"), "BASE_LLM", BaseLLM)
            return own
        return BaseLLM

    def _make(self, name: str) -> Any:
        """The names that every folder has without writing them down."""
        if name.endswith("_llm"):
            return partial(create_folder_llm, self.metadata.slug)
        if name.endswith("BaseLLM"):
            return type(name, (self._base_llm(),), {"provider_class": self._bound_provider()})
        if name.endswith("Provider"):
            return self._bound_provider()
        connector = self.provider_class().connector_class
        return type(name, (connector,), {"metadata": self.metadata})

    def _bound_provider(self) -> type[LLMProvider]:
        """The provider class, knowing this folder's metadata."""
        provider = self.provider_class()
        if getattr(provider, "metadata", None) is self.metadata:
            return provider
        bound: type[LLMProvider] = type(provider.__name__, (provider,), {"metadata": self.metadata})
        bound.folder = self.path
        return bound


def create_folder_llm(slug: str, model: str | None = None, **options: Any) -> BaseLLM:
    """One model of one folder; without a name it is the folder's default model."""
    from providers.registry import create_llm, get_registry

    metadata = get_registry().metadata(slug)
    chosen = model or options.get("default_model") or metadata.default_model
    if not chosen:
        raise ValueError(f"{metadata.label} has no default model. Name one.")
    return create_llm(f"{slug}/{chosen}", **options)


def find_folders(paths: Iterable[Path]) -> tuple[dict[str, Folder], dict[str, str]]:
    """All folders by slug, and the reasons why some can't be read. Of two with one slug the first found holds."""
    found: dict[str, Folder] = {}
    broken: dict[str, str] = {}
    for directory in (HOME, *paths):
        for path in sorted(directory.iterdir()) if directory.is_dir() else ():
            if not (path / "metadata.py").is_file() or path.name in ("base", *found):
                continue
            try:
                folder = _read_folder(path)
            except Exception as error:  # noqa: BLE001 - a folder is somebody's code; one broken folder must not stop the others
                broken[path.name] = f"{type(error).__name__}: {error}"
                log.warning("provider folder %s can't be read: %s", path, error)
            else:
                found[folder.metadata.slug] = folder
    return found, broken


def _read_folder(path: Path) -> Folder:
    package = f"{__package__}.{path.name}"
    if path.parent != HOME:
        if (HOME / f"{path.name}.py").exists():
            raise ValueError("the name is taken by a module of the provider layer")
        _import_from(path, package)
    metadata = importlib.import_module(f"{package}.metadata").METADATA
    if not isinstance(metadata, ProviderMetadata):
        raise TypeError("METADATA must be a ProviderMetadata")
    if metadata.slug != path.name:
        raise ValueError(f"the slug {metadata.slug!r} must be the name of the folder")
    return Folder(path, package, metadata)


def _import_from(path: Path, package: str) -> None:
    """Make a folder that lies elsewhere importable under this package; one of another place is forgotten."""
    loaded = sys.modules.get(package)
    if loaded is not None and list(getattr(loaded, "__path__", ())) == [str(path)]:
        return
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    start = path / "__init__.py"
    spec = (
        importlib.util.spec_from_file_location(package, start, submodule_search_locations=[str(path)])
        if start.is_file()
        else _bare_spec(package, path)
    )
    if spec is None:
        raise ImportError(f"{path} can't be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    run: Callable[[ModuleType], None] | None = getattr(spec.loader, "exec_module", None)
    if run is not None:
        run(module)


def _bare_spec(package: str, path: Path) -> ModuleSpec:
    spec = ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(path)]
    return spec
