#!/usr/bin/env python3
"""Prints which operations of our kinds each SDK called: coverage.md.

usage: coverage.py GO_RESULTS PYTHON_RESULTS
"""
import json, sys

go, python = (json.load(open(path)) for path in sys.argv[1:3])
names = sorted(set(go) | set(python))
both = sum(go.get(name) == "ok" and python.get(name) == "ok" for name in names)
any_of = sum("ok" in (go.get(name), python.get(name)) for name in names)
print("# Operations of our kinds that Microsoft's SDKs call\n")
print("Made by `hack/azure/clients/run` on the simulation, which is not Azure. Our kinds are")
print("those of `plan.json`: each is made, read, listed, updated and deleted, in the service")
print("and in a workspace where the SDK has that.\n")
print(f"**{len(names)} operations, {any_of} driven by an SDK ({100 * any_of / len(names):.1f} %), {both} by both**\n")
rest = [name for name in names if not (go.get(name) == "ok" and python.get(name) == "ok")]
print("## Not driven by both\n")
print("| operation | Go | Python |\n|---|---|---|")
for name in rest:
    print(f"| `{name}` | {go.get(name, 'not called')} | {python.get(name, 'not called')} |")
print("\n## By client\n")
print("| client | operations | driven |\n|---|---:|---:|")
clients = {}
for name in names:
    client = name.partition(".")[0]
    count, driven = clients.get(client, (0, 0))
    clients[client] = (count + 1, driven + ("ok" in (go.get(name), python.get(name))))
for client, (count, driven) in sorted(clients.items()):
    print(f"| {client} | {count} | {driven} |")
