#!/usr/bin/env python3
"""Prints which operations of our kinds each SDK called: coverage.md.

usage: coverage.py SDK=RESULTS...
"""
import json, sys

results = {sdk: json.load(open(path)) for sdk, _, path in (word.partition("=") for word in sys.argv[1:])}
names = sorted({name for outcome in results.values() for name in outcome})
driven = {name: [sdk for sdk in results if results[sdk].get(name) == "ok"] for name in names}
by_all = sum(len(sdks) == len(results) for sdks in driven.values())
by_any = sum(bool(sdks) for sdks in driven.values())
print("# Operations of our kinds that Microsoft's SDKs call\n")
print("Made by `hack/azure/clients/run` on the simulation, which is not Azure. Our kinds are")
print("those of `plan.json`: each is made, read, listed, updated and deleted, in the service")
print("and in a workspace where the SDK has that.\n")
print(f"**{len(names)} operations, {by_any} driven by an SDK ({100 * by_any / len(names):.1f} %), {by_all} by all**\n")
print("| SDK | called | driven |\n|---|---:|---:|")
for sdk, outcome in results.items():
    print(f"| {sdk} | {len(outcome)} | {sum(words == 'ok' for words in outcome.values())} |")
print("\n## Not driven by all\n")
print(f"| operation | {' | '.join(results)} |\n|---|{'---|' * len(results)}")
for name in names:
    if len(driven[name]) < len(results):
        print(f"| `{name}` | {' | '.join(outcome.get(name, 'not called') for outcome in results.values())} |")
print("\n## By client\n")
print("| client | operations | driven |\n|---|---:|---:|")
clients = {}
for name in names:
    client = name.partition(".")[0]
    count, done = clients.get(client, (0, 0))
    clients[client] = (count + 1, done + bool(driven[name]))
for client, (count, done) in sorted(clients.items()):
    print(f"| {client} | {count} | {done} |")
