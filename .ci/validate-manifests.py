"""Validates Kubernetes manifests, read from standard input, strictly: built-in kinds against the schemas of
kubernetes-validate, custom ones against the definitions (CRD files) given as arguments. Unknown fields are errors."""

import sys

import jsonschema
import kubernetes_validate
import yaml


def closed(schema):
    """A CRD's structural schema; the API server would drop unknown fields, here they are refused."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if isinstance(out.get("properties"), dict) and not out.get("x-kubernetes-preserve-unknown-fields"):
        out.setdefault("additionalProperties", False)
    if out.pop("x-kubernetes-int-or-string", False):
        out.pop("type", None)
        out["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return out


def read_definitions(files):
    schemas = {}
    for file in files:
        with open(file, encoding="utf-8") as stream:
            for definition in yaml.safe_load_all(stream):
                if not definition or definition.get("kind") != "CustomResourceDefinition":
                    continue
                spec = definition["spec"]
                for version in spec["versions"]:
                    schema = closed(version["schema"]["openAPIV3Schema"])
                    # Any object has these; a definition leaves them open.
                    schema["properties"]["metadata"] = {"type": "object"}
                    schemas[f'{spec["group"]}/{version["name"]}', spec["names"]["kind"]] = schema
    return schemas


def main():
    schemas = read_definitions(sys.argv[1:])
    manifests = [one for one in yaml.safe_load_all(sys.stdin) if one]
    if not manifests:
        sys.exit("no manifests on standard input")
    failed = False
    for manifest in manifests:
        kind = manifest["apiVersion"], manifest["kind"]
        name = f'{kind[0]} {kind[1]} {manifest["metadata"]["name"]}'
        try:
            if kind in schemas:
                jsonschema.Draft202012Validator(schemas[kind]).validate(manifest)
            else:
                kubernetes_validate.validate(manifest, "1.37", strict=True)
            print("valid:", name)
        except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
            failed = True
            print("INVALID:", name, "at", "/".join(map(str, error.path)), "-", error.message[:400])
    sys.exit(1 if failed else 0)


main()
