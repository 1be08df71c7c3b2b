"""The settings as others show them: a page of documentation, and the manifest of the VS Code extension."""

import typing
from typing import Any, Literal

from tinycoder.validate import MAX_NUMBER, Range
from tinycoder.workspace.project_file import TABLE
from tinycoder_lsp.configuration import Setting, all_settings
from tinycoder_lsp.project import ProjectSettings
from tinycoder_lsp.settings import SECTION

_NOT_FOR_PEOPLE = f"{SECTION}.trusted"  # the extension sends it itself
_FOR_A_PERSON = f"{SECTION}.remote."  # never from a workspace
_TYPES = {  # in JSON schema, and in words
    bool: ("boolean", "true or false"),
    int: ("integer", "whole number"),
    float: ("number", "number"),
    str: ("string", "text"),
    tuple: ("array", "list of texts"),
}


def settings_page() -> str:
    """A Markdown table of every setting: name, type, default, meaning."""
    rows = ["| setting | type | default | meaning |", "| --- | --- | --- | --- |"]
    for setting in all_settings():
        kind, choices, _ = _accepted(setting.hint)
        spelled = " or ".join(f"`{choice}`" for choice in choices) or _TYPES[kind][1]
        value = setting.field.default
        default = "" if value is None or value == () else f"`{str(value).lower()}`"
        rows.append(f"| `{setting.name}` | {spelled} | {default} | {setting.field.metadata['meaning']} |")
    return "\n".join(rows) + "\n"


def project_page() -> str:
    """A Markdown table of what a project may set, without the meaning of what is in the table of settings too."""
    rows = ["| key | type | meaning |", "| --- | --- | --- |"]
    known = {setting.name.removeprefix(f"{SECTION}.") for setting in all_settings()}
    for setting in all_settings(ProjectSettings, TABLE):
        key = setting.name.removeprefix(f"{TABLE}.")
        kind, choices, _ = _accepted(setting.hint)
        spelled = " or ".join(f"`{choice}`" for choice in choices) or _TYPES[kind][1]
        same = key in known and key != "exclude" and not key.startswith("training.")
        rows.append(
            f"| `{key}` | {spelled} | {f'As `{SECTION}.{key}`.' if same else setting.field.metadata['meaning']} |"
        )
    return "\n".join(rows) + "\n"


def manifest_properties() -> dict[str, dict[str, Any]]:
    """The settings as ``contributes.configuration.properties`` of a VS Code extension."""
    return {setting.name: _property(setting) for setting in all_settings() if setting.name != _NOT_FOR_PEOPLE}


def _accepted(hint: Any) -> tuple[type[Any], tuple[str, ...], Range]:
    """The type of a setting's values, the only values where they are counted, and the bounds of a number."""
    arguments = typing.get_args(hint)
    if type(None) in arguments:
        return _accepted(arguments[0])
    if typing.get_origin(hint) is Literal:
        return str, arguments, Range()
    if arguments and isinstance(arguments[-1], Range):
        return arguments[0], (), arguments[-1]
    return typing.get_origin(hint) or hint, (), Range()


def _property(setting: Setting) -> dict[str, Any]:
    (kind, choices, bounds), default = _accepted(setting.hint), setting.field.default
    json_type, null = _TYPES[kind][0], [None] if default is None else []
    schema: dict[str, Any] = {
        "type": [json_type, "null"] if null else json_type,
        "default": list(default) if isinstance(default, tuple) else default,
        "markdownDescription": setting.field.metadata["meaning"],
        "scope": "application" if setting.name.startswith(_FOR_A_PERSON) else "window",
    }
    if kind is tuple:
        schema["items"] = {"type": "string"}
    if choices:
        schema["enum"] = [*choices, *null]
    if bounds.least > -MAX_NUMBER:
        schema["minimum"] = bounds.least
    if bounds.most < MAX_NUMBER:
        schema["maximum"] = bounds.most
    return schema
