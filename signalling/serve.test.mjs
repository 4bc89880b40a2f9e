import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { brotliDecompressSync } from "node:zlib";

import { WebSocket } from "ws";

import { startPage } from "./serve.mjs";

const INDEX = '<!doctype html><base href="./"><title>index</title>';
const POLL = '<!doctype html><base href="../"><title>poll</title>';
const SCRIPT = "console.log(1);".repeat(200);
const SCRIPT_NAME = "app-0123456789abcdef.js";
const WASM_NAME = "app-0123456789abcdef_bg.wasm";

describe("the page's server", () => {
  let dist;
  let page;
  /** A request with exactly these headers and this path; `fetch` would tidy both up. */
  const request = async (path, { headers = {}, method = "GET" } = {}) => {
    const [response] = await once(get({ port: page.port, host: "127.0.0.1", path, method, headers }), "response");
    const body = Buffer.concat(await response.toArray());
    return { status: response.statusCode, headers: response.headers, body, text: body.toString() };
  };

  before(async () => {
    dist = await mkdtemp(join(tmpdir(), "peerpoll-dist-"));
    await mkdir(join(dist, "poll"));
    await writeFile(join(dist, "index.html"), INDEX);
    await writeFile(join(dist, "poll/index.html"), POLL);
    await writeFile(join(dist, SCRIPT_NAME), SCRIPT);
    await writeFile(join(dist, WASM_NAME), Buffer.from("\0asm"));
    await writeFile(join(dist, "config.json"), '{"signalling":{"host":null}}');
    page = await startPage({ dist, port: 0 });
  });
  after(async () => {
    await page.close();
    await rm(dist, { recursive: true });
  });

  test("the page is at the root and under every name without an extension", async () => {
    assert.equal((await request("/")).text, INDEX);
    assert.equal((await request("/poll")).text, INDEX);
    assert.equal((await request("/poll/")).text, POLL);
    assert.equal((await request("/poll?x=1")).headers["content-type"], "text/html; charset=utf-8");
  });

  test("further down, the base leads back to the root", async () => {
    assert.match((await request("/a/b/c")).text, /<base href="..\/..\/">/);
  });

  test("a missing file is missing, whatever its path tries", async () => {
    for (const path of ["/nothing.js", "/../package.json", "/%2e%2e/package.json", "/..%2fpackage.json", "//x.js"]) {
      assert.equal((await request(path)).status, 404, path);
    }
    assert.equal((await request("/%ff")).status, 400);
    assert.equal((await request("/", { method: "POST" })).status, 405);
  });

  test("types let a browser compile while it downloads", async () => {
    assert.equal((await request(`/${WASM_NAME}`)).headers["content-type"], "application/wasm");
    assert.equal((await request(`/${SCRIPT_NAME}`)).headers["content-type"], "text/javascript; charset=utf-8");
  });

  test("hashed names are cached for ever, all else is asked for again", async () => {
    for (const name of [SCRIPT_NAME, WASM_NAME]) {
      assert.match((await request(`/${name}`)).headers["cache-control"], /immutable/);
    }
    for (const path of ["/", "/config.json"]) {
      const { headers } = await request(path);
      assert.equal(headers["cache-control"], "no-cache");
      assert.equal((await request(path, { headers: { "if-none-match": headers.etag } })).status, 304);
    }
  });

  test("what is compressible is compressed for those who take it", async () => {
    const packed = await request(`/${SCRIPT_NAME}`, { headers: { "accept-encoding": "gzip, br" } });
    assert.equal(packed.headers["content-encoding"], "br");
    assert.equal(brotliDecompressSync(packed.body).toString(), SCRIPT);
    assert.equal((await request(`/${SCRIPT_NAME}`)).text, SCRIPT);
  });

  test("the policy names the page's own origin", async () => {
    const { headers } = await request("/");
    assert.equal(headers["content-security-policy"], "connect-src 'self'; frame-ancestors 'none'");
    assert.equal(headers["referrer-policy"], "no-referrer");
  });

  test("a config that says nothing of signalling leaves the policy as it is", async () => {
    for (const config of [null, {}, { signalling: null }, { signalling: {} }]) {
      const other = await startPage({ dist, port: 0, config, signallingPath: null });
      try {
        const { headers, status } = await fetch(other.url);
        assert.equal(status, 200);
        assert.equal(headers.get("content-security-policy"), "connect-src 'self'; frame-ancestors 'none'");
      } finally {
        await other.close();
      }
    }
  });

  test("another config takes the place of the built one and reaches the policy", async () => {
    const config = { signalling: { host: "signal.example", port: 444, secure: true } };
    const other = await startPage({ dist, port: 0, config, signallingPath: null });
    try {
      const response = await fetch(`${other.url}config.json`);
      assert.deepEqual(await response.json(), config);
      assert.match(response.headers.get("content-security-policy"), /connect-src 'self' wss:\/\/signal\.example:444;/);
    } finally {
      await other.close();
    }
  });

  describe("where the config names a port alone", () => {
    const config = { signalling: { host: null, port: 9000 } };
    const policyOf = async ({ proxied = false, ...headers }) => {
      const other = await startPage({ dist, port: 0, config, signallingPath: null, proxied });
      try {
        const [response] = await once(get({ port: other.port, host: "127.0.0.1", headers }), "response");
        response.resume();
        return response.headers["content-security-policy"];
      } finally {
        await other.close();
      }
    };
    const policy = (host) => `connect-src 'self' ws://${host}:9000 wss://${host}:9000; frame-ancestors 'none'`;

    test("the policy lets the page reach that port of its own host, and of no other", async () => {
      assert.equal(await policyOf({ host: "poll.example:8080" }), policy("poll.example"));
      assert.equal(await policyOf({ host: "[::1]:8080" }), policy("[::1]"));
      assert.equal(await policyOf({ host: "poll.example", "x-forwarded-host": "evil.example" }), policy("poll.example"));
    });

    test("behind a proxy, its own host is the one that the proxy was asked for", async () => {
      const headers = { host: "127.0.0.1:8080", "x-forwarded-host": "poll.example" };
      assert.equal(await policyOf({ proxied: true, ...headers }), policy("poll.example"));
    });

    test("a host that is none adds nothing to the policy", async () => {
      for (const host of ["x; script-src *", "x wss://evil.example"]) {
        assert.equal(await policyOf({ host }), "connect-src 'self'; frame-ancestors 'none'", host);
      }
    });
  });

  test("signalling is on the same port", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${page.port}/signal/peerjs?id=alice&token=t&key=peerjs`);
    const [data] = await once(socket, "message");
    assert.deepEqual(JSON.parse(data.toString()), { type: "OPEN" });
    assert.equal((await request("/signal")).headers["content-type"], "application/json; charset=utf-8");
  });

  test("a directory without a build is said so", async () => {
    const empty = join(dist, "empty");
    await mkdir(empty);
    await assert.rejects(startPage({ dist: empty, port: 0 }), /no index\.html: build it with "cargo xtask dist"/);
  });
});
