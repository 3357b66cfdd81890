"""manifests.py MARKDOWN: checks each yaml block of it as a manifest.

The client library's models know of each type which fields it has, of what types they are and, by
refusing to be made otherwise, which must be there and which words are allowed."""

import copy
import re
import sys

import yaml
from kubernetes import client

SCALARS = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def build(type_name, value, path):
    """The model of TYPE_NAME made of VALUE; raises ValueError with PATH in it."""
    if type_name == "object" or (type_name == "str" and isinstance(value, str)):
        return value
    if type_name.startswith("list["):
        if not isinstance(value, list):
            raise ValueError(f"{path}: is no list")
        return [build(type_name[5:-1], item, f"{path}[{i}]") for i, item in enumerate(value)]
    if type_name.startswith("dict("):
        if not isinstance(value, dict):
            raise ValueError(f"{path}: is no map")
        return {key: build(type_name[5:-1].split(", ")[1], item, f"{path}.{key}") for key, item in value.items()}
    if type_name in SCALARS:
        if not isinstance(value, SCALARS[type_name]) or (isinstance(value, bool) and type_name != "bool"):
            raise ValueError(f"{path}: is no {type_name}")
        return value
    return build_model(getattr(client, type_name), value, path)


def build_model(model, value, path):
    if not isinstance(value, dict):
        raise ValueError(f"{path}: is no map")
    names = {json: python for python, json in model.attribute_map.items()}
    fields = {}
    for key, item in value.items():
        if key not in names:
            raise ValueError(f"{path}.{key}: {model.__name__} has no such field")
        fields[names[key]] = build(model.openapi_types[names[key]], item, f"{path}.{key}")
    try:
        return model(**fields)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def check(manifest):
    kinds = {("apps/v1", "Deployment"): "V1Deployment", ("v1", "Pod"): "V1Pod"}
    kind = (manifest.get("apiVersion"), manifest.get("kind"))
    if kind not in kinds:
        raise ValueError(f"{kind}: no such kind is known here")
    made = build(kinds[kind], manifest, kind[1])
    if kind[1] == "Deployment":
        check_selector(made)
        check_restricted(made.spec.template.spec)
    else:
        check_restricted(made.spec)


def check_selector(deployment):
    """What the API server checks beyond the types."""
    labels = deployment.spec.template.metadata.labels
    for key, value in deployment.spec.selector.match_labels.items():
        if labels.get(key) != value:
            raise ValueError(f"the selector's {key} is no label of the template")


def check_restricted(pod):
    volumes = {volume.name for volume in pod.volumes or []}
    for container in pod.containers:
        own, of_pod = container.security_context, pod.security_context
        rules = {
            "allowPrivilegeEscalation: false": own.allow_privilege_escalation is False,
            "drop ALL": "ALL" in own.capabilities.drop and not own.capabilities.add,
            "runAsNonRoot": bool(own.run_as_non_root or of_pod.run_as_non_root),
            "no uid 0": of_pod.run_as_user != 0 and own.run_as_user != 0,
            "seccompProfile": (own.seccomp_profile or of_pod.seccomp_profile).type in ("RuntimeDefault", "Localhost"),
            "not privileged": not own.privileged,
            "no host namespaces": not (pod.host_pid or pod.host_ipc or pod.host_network),
            "no hostPath": not any(volume.host_path for volume in pod.volumes or []),
            "no preStop": not container.lifecycle,
            "its volumes": all(mount.name in volumes for mount in container.volume_mounts or []),
        }
        for rule, holds in rules.items():
            if not holds:
                raise ValueError(f"container {container.name}: against the rule: {rule}")


def refuses(manifest, change, word):
    """Whether the check sees a fault that CHANGE makes, and names it by WORD."""
    wrong = copy.deepcopy(manifest)
    change(wrong)
    try:
        check(wrong)
    except ValueError as error:
        return word in str(error)
    return False


def container_of(manifest):
    return manifest["spec"]["template"]["spec"]["containers"][0]


FAULTS = {
    "an unknown field": (lambda m: container_of(m).update(livenessprobe={}), "livenessprobe"),
    "a wrong type": (lambda m: container_of(m)["livenessProbe"].update(periodSeconds="10"), "periodSeconds"),
    "a missing field": (lambda m: container_of(m).pop("name"), "name"),
    "another selector": (lambda m: m["spec"]["selector"]["matchLabels"].update(app="x"), "selector"),
    "a kept capability": (lambda m: container_of(m)["securityContext"].update(capabilities={"drop": []}), "drop ALL"),
    "an unknown volume": (lambda m: container_of(m)["volumeMounts"][0].update(name="x"), "volumes"),
}


def main(path):
    with open(path, encoding="utf-8") as file:
        blocks = re.findall(r"^```yaml\n(.*?)^```", file.read(), re.S | re.M)
    passed = failed = 0
    for text in blocks:
        manifest = yaml.safe_load(text)
        try:
            check(manifest)
            passed += 1
        except (ValueError, AttributeError) as error:
            failed += 1
            print(f"FAILED {path}: {error}")
    for name, (change, word) in FAULTS.items():
        if refuses(yaml.safe_load(blocks[0]), change, word):
            passed += 1
        else:
            failed += 1
            print(f"FAILED: {name} is not refused")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main(sys.argv[1]))
