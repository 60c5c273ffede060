// A real OpenID provider (npm oidc-provider) that gives clients JWT access
// tokens for the resource they name. Takes a port that is free, and prints it.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

// The issuer has the port in its name: the socket comes first.
const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();
const key = (kid, type, options, alg) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig',
});
const scopes = 'flux-apim.render flux-apim.publish flux-apim.admin';
const client = (id, scope) => ({
  client_id: id, client_secret: 'secret', grant_types: ['client_credentials'],
  redirect_uris: [], response_types: [], scope,
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client('ci', 'flux-apim.render'), client('operator', scopes)],
  scopes: scopes.split(' '),
  jwks: { keys: [key('rsa', 'rsa', { modulusLength: 2048 }, 'RS256'), key('ec', 'ec', { namedCurve: 'P-256' }, 'ES256')] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource) => ({
        scope: scopes, audience: resource, accessTokenFormat: 'jwt',
        jwt: { sign: { alg: resource.endsWith('ec') ? 'ES256' : 'RS256' } },
      }),
    },
  },
});
server.on('request', provider.callback());
console.log(`listening ${port}`);
