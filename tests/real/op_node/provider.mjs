// The certified npm oidc-provider, told what to be by one JSON argument:
//   issuer, port      where it is reached, where it listens (loopback)
//   clients           client metadata, passed through as they are
//   accounts          {login: {claim: value}} on top of what every login gets
//   features          passed through: {"dPoP": {"enabled": true}, ...}; mTLS comes with tls
//   consent           true: ask at every first visit; false (default): grant what was asked for
//   tls               {key, cert, ca}: file names; serves https and asks for a client certificate
//   settings          anything else of the provider's configuration
// Prints "ready <issuer>" when it answers. Any password is the right one.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { Provider } from 'oidc-provider';

const wanted = JSON.parse(process.argv[2]);

function claimsOf(login) {
  const given = login.charAt(0).toUpperCase() + login.slice(1);
  return {
    sub: login,
    email: `${login}@example.com`,
    email_verified: true,
    name: `${given} Example`,
    preferred_username: login,
    groups: login === 'alice' ? ['staff', 'admins'] : ['staff'],
    ...wanted.accounts?.[login],
  };
}

async function grantWhatIsAsked(ctx) {
  const { client, session, provider, params, result } = ctx.oidc;
  const grantId = result?.consent?.grantId || session.grantIdFor(client.clientId);
  const known = grantId && await provider.Grant.find(grantId);
  if (known || wanted.consent) return known || undefined;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

const tls = wanted.tls && Object.fromEntries(
  Object.entries(wanted.tls).map(([name, file]) => [name, readFileSync(file)]),
);

const mTLS = {
  enabled: Boolean(tls),
  certificateBoundAccessTokens: true,
  selfSignedTlsClientAuth: true,
  tlsClientAuth: true,
  getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
  certificateAuthorized: (ctx) => ctx.socket.authorized,
  // Node writes a subject one attribute a line, RFC 4514 the other way round with commas.
  certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_subject_dn'
    && ctx.socket.getPeerX509Certificate().subject.split('\n').reverse().join(',') === expected,
};

const provider = new Provider(wanted.issuer, {
  clients: wanted.clients ?? [],
  claims: {
    openid: ['sub', 'auth_time', 'acr', 'amr'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username'],
    groups: ['groups'],
  },
  scopes: ['openid', 'offline_access', 'email', 'profile', 'groups'],
  conformIdTokenClaims: false,
  cookies: { keys: ['a test needs no secret'] },
  ...(tls && {
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none',
      'tls_client_auth', 'self_signed_tls_client_auth',
    ],
  }),
  pkce: { required: () => true },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => claimsOf(sub) }),
  loadExistingGrant: grantWhatIsAsked,
  // Its own guard refuses loopback, which is where back-channel logout goes in a test.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  ...wanted.settings,
  features: {
    devInteractions: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
    revocation: { enabled: true },
    ...wanted.features,
    ...(tls && { mTLS: { ...mTLS, ...wanted.features?.mTLS } }),
  },
});

for (const event of ['server_error', 'authorization.error', 'grant.error', 'backchannel.error', 'userinfo.error']) {
  provider.on(event, (ctx, error) => {
    console.error(event, error?.error ?? '', error?.error_description ?? error?.message ?? '', error?.error_detail ?? '');
  });
}
provider.on('backchannel.success', (_ctx, client) => console.error('backchannel.success', client.clientId));

provider.on('grant.success', (ctx) => console.error('grant.success', ctx.oidc.params.grant_type));

const server = tls
  ? https.createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, provider.callback())
  : http.createServer(provider.callback());
server.listen(wanted.port, '127.0.0.1', () => console.log(`ready ${wanted.issuer}`));
