#!/usr/bin/env node
// Drives the simulation with Microsoft's JavaScript SDK, with its own validation on.
//
// usage: drive.mjs ADDRESS PLAN TABLE RESULTS MODULES
//
// Calls every operation of the kinds in plan.json, creations first and deletions last.
// MODULES is the folder whose node_modules has the packages of package.json.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const SUBSCRIPTION = "00000000-0000-0000-0000-000000000000";
const SERVICE = "/providers/Microsoft.ApiManagement/service/{serviceName}/";
const WORKSPACE = "workspaces/{workspaceId}/";

if (process.argv.length !== 7) {
  console.error("usage: drive.mjs ADDRESS PLAN TABLE RESULTS MODULES");
  process.exit(2);
}
const [address, planFile, tableFile, results, modules] = process.argv.slice(2);
const require = createRequire(path.join(modules, "package.json"));
const { ApiManagementClient } = require("@azure/arm-apimanagement");
const sdk = path.dirname(require.resolve("@azure/arm-apimanagement"));
const mappers = require(path.join(sdk, "models", "mappers.js"));
// The SDK's own copy of what it serialises with.
const { createSerializer } = createRequire(path.join(sdk, "index.js"))("@azure/core-client");
const plan = JSON.parse(readFileSync(planFile, "utf8"));
const table = JSON.parse(readFileSync(tableFile, "utf8"));
const serializer = createSerializer(mappers);

const above = (kind) => kind.slice(0, Math.max(0, kind.lastIndexOf("/")));
const order = plan.create
  .map(([kind]) => kind)
  .sort((one, other) => one.startsWith("policyRestrictions") - other.startsWith("policyRestrictions"));
const bodies = new Map(plan.create.map(([kind, body]) => [kind, body]));
const kinds = new Set([...order, ...plan.alsoViews]);
const collections = new Set(order.map(above).filter(Boolean));

const own = table.operations
  .filter((operation) => operation.path.includes(SERVICE))
  .map((operation) => {
    const below = operation.path.split(SERVICE)[1];
    const workspace = below.startsWith(WORKSPACE);
    return { ...operation, below: workspace ? below.slice(WORKSPACE.length) : below, workspace };
  })
  .filter(({ below }) => kinds.has(below) || kinds.has(above(below)) || collections.has(below));

// A token over plain HTTP, which the SDK's own policy refuses.
const client = new ApiManagementClient(
  { getToken: async () => ({ token: "clients", expiresOnTimestamp: Date.now() + 3_600_000 }) },
  SUBSCRIPTION,
  { endpoint: address, allowInsecureConnection: true, retryOptions: { maxRetries: 0 } },
);
client.pipeline.removePolicy({ name: "bearerTokenAuthenticationPolicy" });
client.pipeline.addPolicy({
  name: "token",
  sendRequest: (request, next) => {
    request.headers.set("authorization", "Bearer clients");
    return next(request);
  },
});

function group(name) {
  const wanted = name.toLowerCase();
  const found = Object.keys(client).find((key) => [wanted, `${wanted}operations`].includes(key.toLowerCase()));
  return client[found];
}

async function call(operation, body) {
  const [of, verb] = operation.name.split(".");
  const target = group(of);
  const names = [`begin${verb}AndWait`, verb].map((name) => name.toLowerCase());
  const all = target ? Object.getOwnPropertyNames(Object.getPrototypeOf(target)) : [];
  const method = names.map((name) => all.find((one) => one.toLowerCase() === name)).find(Boolean);
  if (!method) return `the SDK has no ${operation.name}`;
  const values = { ...plan.values, ifMatch: "*", format: "openapi+json-link", exportParam: "true" };
  const further = plan.options?.[operation.name] ?? {};
  const options = Object.fromEntries(
    Object.entries(further).map(([key, value]) => [key[0].toLowerCase() + key.slice(1), value]),
  );
  // Of long-running operations the short poll, of others nothing.
  if (method.startsWith("begin")) options.updateIntervalInMs = 1;
  const parameters = target[method].toString().match(/\(([^)]*)\)/)[1].split(",").map((name) => name.trim());
  const given = [];
  for (const name of parameters) {
    if (name === "options") given.push(options);
    else if (name === "parameters" || name === "resource") {
      const mapper = mappers[operation.body];
      given.push(mapper && body ? serializer.deserialize(mapper, body, "parameters") : (body ?? {}));
    } else if (name in values) given.push(values[name]);
    else return `the plan has no value for ${name}`;
  }
  try {
    const answer = target[method](...given);
    if (answer[Symbol.asyncIterator]) for await (const page of answer.byPage()) void page.length;
    else await answer;
    return "ok";
  } catch (error) {
    const words = `${error.code ?? error.name}: ${error.message}`;
    return words.includes("NotSimulated") ? "not simulated" : words.replace(/\s+/g, " ").slice(0, 300);
  }
}

const outcome = {};
async function each(method, workspace, sequence) {
  for (const kind of sequence)
    for (const operation of own)
      if (operation.method === method && operation.below === kind && operation.workspace === workspace)
        outcome[operation.name] = await call(operation, bodies.get(kind));
}

await each("PUT", false, order);
await each("PUT", true, order);
for (const operation of own) {
  if (["GET", "HEAD"].includes(operation.method)) outcome[operation.name] = await call(operation);
  else if (operation.method === "PATCH")
    outcome[operation.name] = await call(operation, plan.update[operation.below] ?? bodies.get(operation.below));
  else if (operation.method === "POST") outcome[operation.name] = await call(operation, plan.send[operation.below]);
}
await each("DELETE", true, [...order].reverse());
await each("DELETE", false, [...order].reverse());

const names = Object.keys(outcome).sort();
const failed = names.filter((name) => !["ok", "not simulated"].includes(outcome[name]));
for (const name of failed) console.log(`${name}: ${outcome[name]}`);
writeFileSync(results, JSON.stringify(Object.fromEntries(names.map((name) => [name, outcome[name]])), null, 1) + "\n");
const missing = names.filter((name) => outcome[name] === "not simulated").length;
console.log(`JavaScript SDK: ${names.length} operations called, ${missing} not simulated, ${failed.length} failed`);
process.exit(failed.length ? 1 : 0);
