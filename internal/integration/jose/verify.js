// Verifies the tokens given on standard input, one a line, with nothing but the
// issuer and the client id, and prints a line of JSON for each: the claims, or
// why it is refused.
//
//	node verify.js https://app.example app < tokens
import { createInterface } from 'node:readline';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const [issuer, audience] = process.argv.slice(2);
const discovery = await fetch(`${issuer}/.well-known/openid-configuration`);
const { issuer: named, jwks_uri: uri, id_token_signing_alg_values_supported: algorithms } = await discovery.json();
if (named !== issuer) {
  throw new Error(`the issuer calls itself ${named}`);
}
const keys = createRemoteJWKSet(new URL(uri));

for await (const token of createInterface({ input: process.stdin })) {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience, algorithms, typ: 'JWT' });
    console.log(JSON.stringify({ payload, alg: protectedHeader.alg }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.code ?? String(error) }));
  }
}
