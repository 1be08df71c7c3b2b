"""The settings as others show them: a page of documentation, and the manifest of the VS Code extension."""

from __future__ import annotations

from typing import Any

from tinycoder_lsp.configuration import TYPE_NAMES, Setting, all_settings
from tinycoder_lsp.settings import SECTION

_NOT_FOR_PEOPLE = f"{SECTION}.trusted"  # the extension sends it itself
_JSON_TYPES: dict[type[Any], str] = {bool: "boolean", int: "integer", float: "number", str: "string", tuple: "array"}


def settings_page() -> str:
    """A Markdown table of every setting: name, type, default, meaning."""
    rows = ["| setting | type | default | meaning |", "| --- | --- | --- | --- |"]
    for setting in all_settings():
        choices = setting.field.metadata["choices"]
        spelled = " or ".join(f"`{choice}`" for choice in choices) if choices else TYPE_NAMES[setting.kind]
        value = setting.field.default
        default = "" if value is None or value == () else f"`{str(value).lower()}`"
        rows.append(f"| `{setting.name}` | {spelled} | {default} | {setting.field.metadata['meaning']} |")
    return "\n".join(rows) + "\n"


def manifest_properties() -> dict[str, dict[str, Any]]:
    """The settings as ``contributes.configuration.properties`` of a VS Code extension."""
    return {setting.name: _property(setting) for setting in all_settings() if setting.name != _NOT_FOR_PEOPLE}


def _property(setting: Setting) -> dict[str, Any]:
    metadata, default = setting.field.metadata, setting.field.default
    kind = _JSON_TYPES[setting.kind]
    schema: dict[str, Any] = {
        "type": [kind, "null"] if default is None else kind,
        "default": list(default) if isinstance(default, tuple) else default,
        "markdownDescription": metadata["meaning"],
        "scope": "window",
    }
    if setting.kind is tuple:
        schema["items"] = {"type": "string"}
    if metadata["choices"]:
        schema["enum"] = [*metadata["choices"], *([None] if default is None else [])]
    if metadata["minimum"] is not None:
        schema["minimum"] = metadata["minimum"]
    if metadata["maximum"] is not None:
        schema["maximum"] = metadata["maximum"]
    return schema
