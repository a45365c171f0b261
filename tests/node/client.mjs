// The official TypeScript client as a small desktop program. Commands are lines of JSON on stdin, one answer each on stdout;
// `{"open": url}` in between asks the person to open an address.
//   node client.mjs MCP_URL legacy|auto
//   {"do": "connect"} | {"do": "tools"} | {"do": "call", "name": "…", "arguments": {…}} | {"do": "tokens"}
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { randomBytes } from "node:crypto";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";

const [url, mode] = process.argv.slice(2);
const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");

// The way back from the browser: a listener on a port of its own.
let arrive;
const arrived = () => new Promise((resolve) => (arrive = resolve));
const listener = createServer((request, response) => {
  const parts = new URL(request.url, "http://localhost");
  if (parts.pathname !== "/oauth/callback") return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": "text/plain" }).end("You can close this window.");
  arrive?.(parts.searchParams);
});
await new Promise((ready) => listener.listen(0, "127.0.0.1", ready));
const redirectUrl = `http://localhost:${listener.address().port}/oauth/callback`;

const kept = { saved: 0 };
let wayBack;
const authProvider = {
  redirectUrl,
  clientMetadata: { client_name: "Terminal Assistant", redirect_uris: [redirectUrl], token_endpoint_auth_method: "none" },
  state: () => (kept.state = randomBytes(16).toString("hex")),
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void ((kept.tokens = tokens), (kept.saved += 1)),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  redirectToAuthorization: (address) => {
    wayBack = arrived();
    say({ open: address.href });
  },
};

let client, transport;
const connect = async () => {
  client = new Client({ name: "terminal-assistant", version: "1.0.0" }, { versionNegotiation: { mode }, capabilities: {} });
  transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  await client.connect(transport);
};

// What a program does when the server wants its person: wait for the browser, then go on where it was.
const withPerson = async (deed) => {
  try {
    return await deed();
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const answer = await wayBack;
    if (answer.get("state") !== kept.state) throw new Error("the state came back changed");
    await transport.finishAuth(answer);
    return await deed();
  }
};

const deeds = {
  connect: async () => {
    await withPerson(connect);
    return { protocol: client.getNegotiatedProtocolVersion(), server: client.getServerVersion() };
  },
  tools: async () => (await client.listTools()).tools,
  call: async ({ name, arguments: given }) => await withPerson(() => client.callTool({ name, arguments: given })),
  tokens: async () => ({ scope: kept.tokens.scope, saved: kept.saved }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    say({ answer: await deeds[command.do](command) });
  } catch (error) {
    say({ error: String(error?.stack ?? error) });
  }
}
process.exit(0);
