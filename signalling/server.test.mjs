import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { WebSocket } from "ws";

import { CLOSE_TAKEN_OVER, startSignalling } from "./server.mjs";

/** A PeerJS client's signalling socket, with every frame it was sent in order. */
class Client {
  #frames = [];
  #waiting = [];

  constructor(port, { id, token = `token of ${id}`, key = "peerjs" }) {
    this.id = id;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/signal/peerjs?${new URLSearchParams({ id, token, key })}`);
    this.closed = once(this.socket, "close").then(([code]) => code);
    this.socket.on("message", (data) => {
      const frame = JSON.parse(data.toString());
      const waiting = this.#waiting.shift();
      if (waiting) waiting(frame);
      else this.#frames.push(frame);
    });
    this.socket.on("error", () => {});
  }

  static async open(port, options) {
    const client = new Client(port, options);
    assert.deepEqual(await client.next(), { type: "OPEN" });
    return client;
  }

  next() {
    if (this.#frames.length > 0) return Promise.resolve(this.#frames.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(frame) {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Sends an offer to `other` and checks that it arrives there: both sockets and the server are alive. */
  async reaches(other, payload = { sdp: "v=0" }) {
    this.send({ type: "OFFER", dst: other.id, payload });
    assert.deepEqual(await other.next(), { type: "OFFER", src: this.id, dst: other.id, payload });
  }

  async close() {
    this.socket.close();
    await this.closed;
  }
}

describe("signalling", () => {
  let signalling;
  const open = (id, options) => Client.open(signalling.port, { id, ...options });

  beforeEach(async () => {
    signalling = await startSignalling({ port: 0 });
  });
  afterEach(() => signalling.close());

  test("a new id is answered with OPEN", async () => {
    await open("alice");
  });

  test("offers, answers and candidates are relayed with the sender's real id", async () => {
    const [alice, bob] = [await open("alice"), await open("bob")];
    await alice.reaches(bob);
    for (const type of ["ANSWER", "CANDIDATE"]) {
      bob.send({ type, src: "mallory", dst: "alice", payload: { type } });
      assert.deepEqual(await alice.next(), { type, src: "bob", dst: "alice", payload: { type } });
    }
  });

  test("an offer to a peer that is not there yet waits for it", async () => {
    const alice = await open("alice");
    alice.send({ type: "OFFER", dst: "bob", payload: 1 });
    await alice.reaches(alice);
    const bob = await open("bob");
    assert.deepEqual(await bob.next(), { type: "OFFER", src: "alice", dst: "bob", payload: 1 });
  });

  test("a foreign token gets ID-TAKEN, and the holder stays reachable", async () => {
    const [alice, bob] = [await open("alice"), await open("bob")];
    const mallory = new Client(signalling.port, { id: "alice", token: "guessed" });
    assert.equal((await mallory.next()).type, "ID-TAKEN");
    await mallory.closed;
    await bob.reaches(alice);
  });

  test("a foreign key is refused", async () => {
    const stranger = new Client(signalling.port, { id: "alice", key: "other" });
    assert.equal((await stranger.next()).type, "ERROR");
    await stranger.closed;
  });

  test("closing frees the id for any token", async () => {
    await (await open("alice")).close();
    await open("alice", { token: "another" });
  });

  test("a take-over gets OPEN, closes the old socket and receives what is sent from then on", async () => {
    const [before, bob] = [await open("alice"), await open("bob")];
    const now = await open("alice");
    assert.equal(await before.closed, CLOSE_TAKEN_OVER);
    await bob.reaches(now);
    await now.reaches(bob);
  });

  test("a take-over can be taken over, and its close frees the id", async () => {
    await open("alice");
    const second = await open("alice");
    const third = await open("alice");
    assert.equal(await second.closed, CLOSE_TAKEN_OVER);
    await third.close();
    await open("alice", { token: "another" });
  });

  const GARBAGE = {
    "null": "null",
    "a number": "5",
    "no JSON": "\u0000{",
    "nothing": "",
    "an array": "[]",
    "an unknown type": '{"type":"RESTART"}',
    "a type that is no string": '{"type":{}}',
    "an offer to nobody": '{"type":"OFFER"}',
    "an offer to an object": '{"type":"OFFER","dst":{"a":1}}',
  };
  for (const [what, frame] of Object.entries(GARBAGE)) {
    test(`a frame holding ${what} is dropped and nobody is harmed`, async () => {
      const [alice, bob] = [await open("alice"), await open("bob")];
      alice.send(frame);
      await alice.reaches(bob);
      await bob.reaches(alice);
    });
  }

  test("an oversized frame closes its sender's socket and no other", async () => {
    const [mallory, alice, bob] = [await open("mallory"), await open("alice"), await open("bob")];
    mallory.send({ type: "OFFER", dst: "alice", payload: "x".repeat(65 * 1024) });
    assert.equal(await mallory.closed, 1009);
    await bob.reaches(alice);
  });

  test("a payload too deep to serialise does not cut off the peer it is meant for", async () => {
    const [mallory, alice, bob] = [await open("mallory"), await open("alice"), await open("bob")];
    mallory.send(`{"type":"OFFER","dst":"alice","payload":${"[".repeat(20_000)}${"]".repeat(20_000)}}`);
    await mallory.reaches(bob);
    await bob.reaches(alice);
  });

  test("a client's LEAVE without an addressee does not log it off", async () => {
    const [alice, bob] = [await open("alice"), await open("bob")];
    alice.send({ type: "LEAVE" });
    await alice.reaches(bob);
    await bob.reaches(alice);
  });

  test("a LEAVE reaches its addressee under the sender's own id", async () => {
    const [alice, bob] = [await open("alice"), await open("bob")];
    alice.send({ type: "LEAVE", src: "mallory", dst: "bob", payload: null });
    const message = await bob.next();
    assert.deepEqual([message.type, message.src, message.dst], ["LEAVE", "alice", "bob"]);
    await alice.reaches(bob);
    await bob.reaches(alice);
  });

  test("peers can't be listed and other sites get no CORS header", async () => {
    await open("alice");
    const response = await fetch(`${signalling.url}/peerjs/peers`, { headers: { origin: "http://evil.test" } });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  });

  test("close ends every socket and frees the port", async () => {
    const alice = await open("alice");
    const { port } = signalling;
    await signalling.close();
    assert.equal(await alice.closed, 1006);
    const refused = connect(port, "127.0.0.1");
    const [error] = await once(refused, "error");
    assert.equal(error.code, "ECONNREFUSED");
    signalling = await startSignalling({ port });
    assert.equal(signalling.port, port);
    await open("alice", { token: "another" });
  });

  test("a taken port is said so", async () => {
    await assert.rejects(startSignalling({ port: signalling.port }), /port \d+ is taken; .*--port/);
  });
});

describe("the command", () => {
  const children = [];
  const start = (...args) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL("server.mjs", import.meta.url)), ...args]);
    children.push(child);
    return child;
  };
  after(() => children.forEach((child) => child.kill("SIGKILL")));

  test("prints where it listens, serves, and stops with code 0 when asked", async () => {
    const child = start("--port", "0");
    const [line] = await once(createInterface(child.stdout), "line");
    const [, port] = /^signalling: listening on http:\/\/127\.0\.0\.1:(\d+)\/signal$/.exec(line);
    await Client.open(port, { id: "alice" });
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });

  test("says in one line when the port is taken", async (t) => {
    const first = await startSignalling({ port: 0 });
    t.after(() => first.close());
    const child = start("--port", String(first.port));
    const [line] = await once(createInterface(child.stderr), "line");
    assert.match(line, /^signalling: port \d+ is taken/);
    assert.deepEqual(await once(child, "exit"), [1, null]);
  });
});
