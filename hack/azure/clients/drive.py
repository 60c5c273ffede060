#!/usr/bin/env python3
"""Drives the simulation with Microsoft's Python SDK, with its own validation on.

usage: drive.py ADDRESS PLAN TABLE RESULTS
       drive.py --models RESOURCES_JSON...

Calls every operation of the kinds in plan.json, creations first and deletions last. With
--models it opens no connection: the properties of rendered resources go through the SDK's
models and their validation.
"""
import inspect, json, os, re, sys

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import RetryPolicy, SansIOHTTPPolicy
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement import models as sdk_models
from azure.mgmt.apimanagement._serialization import Serializer
from azure.mgmt.resource.deploymentstacks import DeploymentStacksClient

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
SERVICE = "/providers/Microsoft.ApiManagement/service/{serviceName}/"
WORKSPACE = "workspaces/{workspaceId}/"


def snake(name):
    """`APIOperationPolicy` as the Python SDK spells it."""
    name = name.replace("GraphQL", "GraphQl")
    name = re.sub(r"(API|ETag)(?=[A-Z]|$|s)", lambda m: m.group(1).title().replace("Etag", "ETag"), name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("_e_tag", "_etag")


class Authorization(SansIOHTTPPolicy):
    """A token over plain HTTP, which the SDK's own policy refuses."""

    def on_request(self, request):
        request.http_request.headers["Authorization"] = "Bearer clients"


class Credential:
    def get_token(self, *scopes, **kwargs):
        return AccessToken("clients", 2**31)


def kinds(plan):
    order = sorted((row[0] for row in plan["create"]), key=lambda kind: kind.startswith("policyRestrictions"))
    return order, {row[0]: row[1] for row in plan["create"]}


def own(plan, table):
    order, _ = kinds(plan)
    wanted = set(order) | set(plan["alsoViews"])
    collections = {kind.rpartition("/")[0] for kind in order} - {""}
    for operation in table["operations"]:
        if SERVICE not in operation["path"]:
            continue
        below = operation["path"].split(SERVICE, 1)[1].removeprefix(WORKSPACE)
        if below in wanted or below.rpartition("/")[0] in wanted or below in collections:
            yield {**operation, "below": below, "workspace": f"/{WORKSPACE}" in operation["path"]}


def call(client, plan, operation, body):
    group, _, name = operation["name"].partition(".")
    target = getattr(client, snake(group), None)
    method = None
    for candidate in (f"begin_{snake(name)}", snake(name)):
        method = method or getattr(target, candidate, None)
    if method is None:
        return f"the SDK has no {snake(group)}.{snake(name)}"
    values = {snake(key): value for key, value in plan["values"].items()}
    values |= {snake(key[0].lower() + key[1:]): value for key, value in plan.get("options", {}).get(operation["name"], {}).items()}
    values |= {"if_match": "*", "parameters": body, "format": "openapi+json-link", "export": "true"}
    arguments = {}
    for parameter in inspect.signature(method).parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        required = parameter.default is parameter.empty
        if required or parameter.name in ("delete_subscriptions",) and parameter.name in values:
            if parameter.name not in values:
                return f"the plan has no value for {parameter.name}"
            arguments[parameter.name] = values[parameter.name]
    try:
        answer = method(**arguments)
        if hasattr(answer, "result"):
            answer.result()
        elif hasattr(answer, "by_page"):
            for page in answer.by_page():
                list(page)
        return "ok"
    except HttpResponseError as error:
        text = str(error)
        return "not simulated" if "NotSimulated" in text else " ".join(text.split())[:300]
    except Exception as error:  # what the SDK itself refuses is a result too
        return f"{type(error).__name__}: {error}"[:300]


def drive(address, plan, table, results):
    client = ApiManagementClient(
        Credential(), SUBSCRIPTION, base_url=address, authentication_policy=Authorization(),
        retry_policy=RetryPolicy.no_retries(), polling_interval=0)
    order, bodies = kinds(plan)
    operations = list(own(plan, table))
    outcome = {}

    def each(method, workspace, sequence):
        for kind in sequence:
            for operation in operations:
                if operation["method"] == method and operation["below"] == kind and operation["workspace"] == workspace:
                    outcome[operation["name"]] = call(client, plan, operation, bodies[kind])

    each("PUT", False, order)
    each("PUT", True, order)
    for operation in operations:
        if operation["method"] in ("GET", "HEAD"):
            outcome[operation["name"]] = call(client, plan, operation, None)
        elif operation["method"] == "PATCH":
            outcome[operation["name"]] = call(client, plan, operation, plan["update"].get(operation["below"], bodies.get(operation["below"])))
        elif operation["method"] == "POST":
            outcome[operation["name"]] = call(client, plan, operation, plan["send"].get(operation["below"], {}))
    each("DELETE", True, order[::-1])
    each("DELETE", False, order[::-1])
    failed = {name: words for name, words in sorted(outcome.items()) if words not in ("ok", "not simulated")}
    for name, words in failed.items():
        print(f"{name}: {words}")
    with open(results, "w") as file:
        json.dump(outcome, file, indent=1, sort_keys=True)
        file.write("\n")
    missing = sum(words == "not simulated" for words in outcome.values())
    print(f"Python SDK: {len(outcome)} operations called, {missing} not simulated, {len(failed)} failed")
    return 1 if failed else 0


def stack(address):
    """The what-if of a stack: a result that is made, read and asked for its details."""
    client = DeploymentStacksClient(
        Credential(), SUBSCRIPTION, base_url=address, authentication_policy=Authorization(),
        retry_policy=RetryPolicy.no_retries(), polling_interval=0)
    tag = {"type": "Microsoft.ApiManagement/service/tags", "apiVersion": "2024-05-01", "name": "simulated/stacked",
           "properties": {"displayName": "stacked"}}
    template = {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0", "resources": [tag]}
    properties = {"template": template, "actionOnUnmanage": {"resources": "delete"}, "denySettings": {"mode": "none"}}
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/simulated/providers/Microsoft.Resources/deploymentStacks/python"
    results = client.deployment_stacks_what_if_results_at_resource_group
    made = {"properties": {**properties, "deploymentStackResourceId": scope, "retentionInterval": "PT1H"}}
    results.begin_create_or_update("simulated", "predicted", made).result()
    detailed = results.begin_what_if("simulated", "predicted").result()
    change = detailed.properties.changes.resource_changes[0]
    assert (change.change_type, change.management_status_change.after) == ("create", "managed"), change
    assert len(list(results.list("simulated"))) == 1
    assert results.get("simulated", "predicted").properties.provisioning_state == "succeeded"
    results.delete("simulated", "predicted")
    stacks = client.deployment_stacks
    stacked = stacks.begin_create_or_update_at_resource_group("simulated", "python", {"properties": properties}).result()
    assert [one.status for one in stacked.properties.resources] == ["managed"], stacked
    stacks.begin_delete_at_resource_group("simulated", "python", unmanage_action_resources="delete").result()
    print("Python SDK: the what-if of a stack, and the stack")


def rendered(paths):
    """Properties of rendered resources through the SDK's models."""
    classes = {name: value for name, value in vars(sdk_models).items() if isinstance(value, type)}
    serializer = Serializer(classes)
    table = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "apimanagement.json")))
    bodies = {}
    for operation in table["operations"]:
        if operation["method"] == "PUT" and SERVICE in operation["path"]:
            segments = operation["path"].split(SERVICE, 1)[1].split("/")[::2]
            bodies["Microsoft.ApiManagement/service/" + "/".join(segments).lower()] = operation["body"]
    count, wrong = 0, []
    for path in paths:
        for resource in json.load(open(path))["resources"]:
            prefix = "Microsoft.ApiManagement/service/"
            model = bodies.get(prefix + resource["type"].removeprefix(prefix).lower())
            if resource["properties"] is None or model is None:
                continue
            # What stands elsewhere in the bundle is a text here.
            properties = resource["properties"]
            for place in resource["texts"] + resource["secrets"] + resource["references"]:
                *above, last = [s.replace("~1", "/").replace("~0", "~") for s in place["at"].split("/")[1:]]
                at = properties
                for step in above:
                    at = at[int(step)] if isinstance(at, list) else at[step]
                at[int(last) if isinstance(at, list) else last] = "text"
            try:
                serializer.body({"properties": properties}, model)
                count += 1
            except Exception as error:
                wrong.append(f"{path}: {resource['id']}: {error}")
    for line in wrong:
        print(line)
    print(f"Python SDK's models: {count} resources pass, {len(wrong)} are refused")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--models"]:
        sys.exit(rendered(sys.argv[2:]))
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    address, plan, table, results = sys.argv[1:]
    stack(address)
    sys.exit(drive(address, json.load(open(plan)), json.load(open(table)), results))
