"""Validates documents against docs/schemas. Reads lines `NAME<tab>JSON`, prints one line for each: `ok`, or the fault.

Members that a schema does not name are faults here, though the published schemas allow them for later versions.
"""
import json
import pathlib
import sys

import jsonschema


def closed(schema):
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        schema = [closed(each) for each in schema]
    return schema


schemas = {}
for path in pathlib.Path(sys.argv[1]).glob("*.json"):
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    schemas[path.stem] = jsonschema.Draft202012Validator(closed(schema))

for line in open(sys.argv[2], encoding="utf-8"):
    name, document = line.rstrip("\n").split("\t", 1)
    fault = next(schemas[name].iter_errors(json.loads(document)), None)
    print("ok" if fault is None else f"{name}: {list(fault.absolute_path)}: {fault.message[:120]}")
