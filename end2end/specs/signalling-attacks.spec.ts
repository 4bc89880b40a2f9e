// A signalling server that lies, swaps, replays, drops and floods. It can keep people apart, and then the page says so;
// it gets no vote in and no poll out.

import type { Page } from "@playwright/test";

import { type Forge, forged, named, namedForSession } from "../descriptions";
import { expect, hostileTest as test } from "../fixtures";
import { type Frame, type HostileServer, ID_TAKEN, type Rule } from "../hostile";
import { NAMINGS } from "../middleman";
import type { Person } from "../people";
import { LUNCH, TRIP } from "../polls";

/** The specification's bound for saying that an owner does not answer. */
const SAID_WITHIN_MS = 20_000;
/** A first try that leads nowhere is given up after 15 s; then comes a pause and the second. */
const SECOND_TRY_MS = 40_000;

const IMPOSTOR = "Whoever answered could not prove to be the owner, so nothing was sent to them.";
const BROKE = "The connection to the owner's browser broke.";
const OFFLINE = "Owner offline – no copy on this device yet";

const ownerIdIn = (link: string): string => /#(.*)\//.exec(link)?.[1] ?? "";

/** The state left the owner's page this often, and nothing else came of it. */
async function toldStateTo(owner: Person, people: number): Promise<void> {
  expect(await owner.wire.sent("auth:welcome")).toHaveLength(people);
  expect(await owner.wire.sent("poll:state")).toHaveLength(people);
}

/** Nobody was let in. Once the server behaves, the very same voter is, and counts once. */
async function onlyHonestyHelps(server: HostileServer, owner: Person, voter: Person, link: string): Promise<void> {
  await toldStateTo(owner, 0);
  await owner.poll.shows({ Pizza: 0, Soup: 0 }, { voters: 0 });
  server.obey();
  await voter.join(link);
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await toldStateTo(owner, 1);
}

async function isFoundOut(voter: Person): Promise<void> {
  await expect(voter.poll.cause(IMPOSTOR)).toBeVisible({ timeout: SAID_WITHIN_MS });
  await expect(voter.poll.connection).toHaveText(/^Reconnecting/);
  await voter.poll.shown("Joining the poll …");
}

async function isOffline(voter: Person): Promise<void> {
  await expect(voter.poll.connection).toHaveText(OFFLINE, { timeout: SAID_WITHIN_MS });
  await voter.poll.shown("The owner is offline");
}

for (const [what, manner] of [
  ["relays every word between two connections of its own", "relay"],
  ["passes off a proof that the owner gave it", "replay"],
] as const) {
  test(`a middleman who ${what} is found out before anybody says who they are`, async ({ server, owner, voter, stranger }) => {
    const link = await owner.createPoll(LUNCH);
    const middleman = await stranger.comeBetween(ownerIdIn(link), manner);
    server.tamper(middleman.lure);
    await voter.visit(link);
    await isFoundOut(voter);
    expect(new Set(await middleman.heard())).toEqual(new Set(["auth:hello", "auth:owner"]));
    await onlyHonestyHelps(server, owner, voter, link);
  });
}

/**
 * Of several fingerprints Chromium keeps the last of the data channel's own, and no other comes before the page. With the other's
 * the channel does not open. With the middleman's it does, and then the page finds out: by the owner's proof, or before it says a
 * word where the fingerprint is no SHA-256.
 */
const FOUND_OUT: Partial<Record<keyof typeof NAMINGS, string[]>> = {
  "the other's certificate before its own": ["auth:hello", "auth:owner"],
  "the other's certificate for the whole session": ["auth:hello", "auth:owner"],
  "its own certificate by SHA-1 behind the other's": [],
  "its own certificate by SHA-1, the other's for the whole session": [],
};

for (const [what, naming] of Object.entries(NAMINGS)) {
  const heard = FOUND_OUT[what as keyof typeof NAMINGS];
  const outcome = heard === undefined ? "connects to nobody" : "is found out before anybody says who they are";
  test(`a middleman who names ${what} ${outcome}`, async ({ server, owner, voter, stranger }) => {
    const link = await owner.createPoll(LUNCH);
    const middleman = await stranger.comeBetween(ownerIdIn(link), "relay", naming);
    server.tamper(middleman.lure);
    await voter.visit(link);
    await (heard === undefined ? isOffline(voter) : isFoundOut(voter));
    expect(new Set(await middleman.heard())).toEqual(new Set(heard));
    await onlyHonestyHelps(server, owner, voter, link);
  });
}

test("a voter led to another owner's door notices before saying who they are", async ({ server, owner, voter, another }) => {
  const link = await owner.createPoll(LUNCH);
  const otherId = ownerIdIn(await another.createPoll(TRIP));
  const ownerId = ownerIdIn(link);
  server.tamper((frame) => {
    if (frame.dst === ownerId) return [{ ...frame, dst: otherId }];
    if (frame.src === otherId) return [{ ...frame, src: ownerId }];
    return [frame];
  });
  await voter.visit(link);
  await isFoundOut(voter);
  expect(await voter.wire.sent("auth:participant")).toEqual([]);
  await toldStateTo(another, 0);
  await onlyHonestyHelps(server, owner, voter, link);
});

for (const [what, certificates] of [
  ["none", "[]"],
  ["more than anybody has", "Array.from({ length: 9 }, () => new ArrayBuffer(500))"],
  ["one that is too long", "[new ArrayBuffer(16 * 1024 + 1)]"],
  ["no list", "undefined"],
]) {
  test(`an owner whose certificate the browser can't show is not believed: ${what}`, async ({ server, owner, voter }) => {
    const link = await owner.createPoll(LUNCH);
    await voter.page.addInitScript(`RTCDtlsTransport.prototype.getRemoteCertificates = () => ${certificates}`);
    await voter.visit(link);
    await isFoundOut(voter);
    expect(await voter.wire.sent("auth:hello")).toEqual([]);
    expect(server.carried("ANSWER")).not.toEqual([]);
    await toldStateTo(owner, 0);
  });
}

test("a voter whose offer comes back as in a mirror is told that the owner is offline", async ({ server, owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  server.tamper((frame) => [{ ...frame, src: frame.dst, dst: frame.src }]);
  await voter.visit(link);
  await isOffline(voter);
  await onlyHonestyHelps(server, owner, voter, link);
});

test("a proof that a voter gave to one owner opens no other owner's poll", async ({ server, owner, voter, stranger }) => {
  const link = await owner.createPoll(LUNCH);
  const rogue = await stranger.rule();
  await rogue.says({ type: "poll:state", payload: rogue.state });
  await voter.join(rogue.address);
  const [proof] = await voter.wire.sent("auth:participant");
  const voterId = server.carried("OFFER")[0].src;

  const ownerId = ownerIdIn(link);
  let thief = "";
  server.tamper((frame) => {
    if (frame.src === ownerId) return [{ ...frame, dst: thief }];
    if (frame.dst !== ownerId) return [frame];
    thief = frame.src;
    return [{ ...frame, src: voterId }];
  });
  const line = await stranger.dial(link);
  const outcome = await line.evaluate(async (connection, proof) => {
    await connection.greet();
    connection.send({ type: "auth:participant", payload: proof });
    return connection.settle();
  }, proof);
  expect(outcome).toEqual({ errors: ["bad-proof"], isOpen: false });
  await onlyHonestyHelps(server, owner, voter, link);
});

// --- session descriptions --------------------------------------------------------------------------

const falseFingerprint = (algorithm: string, bytes: number): string =>
  `a=fingerprint:${algorithm} ${Array(bytes).fill("00").join(":")}\r\n`;
const FALSE = falseFingerprint("sha-256", 32);
const FALSE_SHA1 = falseFingerprint("sha-1", 20);

/** Browsers check one fingerprint, and Chromium the last: the channel either fails under it, or is the one that it names. */
const FAILING: Record<string, Forge> = {
  "a false fingerprint in its place": named(FALSE),
  "a false fingerprint behind the real one": named(`$&${FALSE}`),
  "a false SHA-1 fingerprint behind the real one": named(`$&${FALSE_SHA1}`),
  "no fingerprint": named(""),
  "no session description": () => "\u0000{}",
};
const HARMLESS: Record<string, Forge> = {
  "a false fingerprint before the real one": named(`${FALSE}$&`),
  "a false fingerprint for the whole session": namedForSession(FALSE),
  "a false SHA-1 fingerprint before the real one": named(`${FALSE_SHA1}$&`),
  "a false SHA-1 fingerprint for the whole session": namedForSession(FALSE_SHA1),
  "a false SHA-512 fingerprint before the real one": named(`${falseFingerprint("sha-512", 64)}$&`),
  "twenty thousand lines more": (sdp) => sdp + "a=x\r\n".repeat(20_000),
};

for (const type of ["OFFER", "ANSWER"]) {
  for (const [what, forge] of Object.entries(FAILING)) {
    test(`an ${type.toLowerCase()} with ${what} connects nobody`, async ({ server, owner, voter }) => {
      const link = await owner.createPoll(LUNCH);
      server.tamper((frame) => [frame.type === type ? forged(frame, forge) : frame]);
      await voter.visit(link);
      await isOffline(voter);
      expect(await voter.wire.sent("auth:hello")).toEqual([]);
      await onlyHonestyHelps(server, owner, voter, link);
    });
  }

  for (const [what, forge] of Object.entries(HARMLESS)) {
    test(`an ${type.toLowerCase()} with ${what} connects to nobody else`, async ({ server, owner, voter }) => {
      const link = await owner.createPoll(LUNCH);
      server.tamper((frame) => [frame.type === type ? forged(frame, forge) : frame]);
      await voter.join(link);
      await hasStood(owner, voter);
    });
  }
}

/**
 * Two people dial, and all that follows their offers is held back until there is enough of it to connect both. Then everything
 * is let go, the owner's words with `readdress`: to whom they are meant, or each one's to the other.
 */
async function holdAndLetGo(
  server: HostileServer,
  people: [Person, Person],
  link: string,
  readdress: (frame: Frame, other: Frame) => Frame,
): Promise<void> {
  const ownerId = ownerIdIn(link);
  const held: Frame[] = [];
  server.tamper((frame) => {
    if (frame.type === "OFFER") return [frame];
    held.push(frame);
    return [];
  });
  await Promise.all(people.map((person) => person.visit(link)));
  /** Of either connection: an answer, and where each end can be found. */
  const kinds = () => new Set(held.map(({ type, src, payload }) => `${type} ${src === ownerId} ${payload.connectionId}`));
  await expect.poll(() => kinds().size).toBe(2 * 3);

  const offers = server.carried("OFFER");
  expect(offers).toHaveLength(2);
  const deliver: Rule = (frame) => {
    const other = offers.find(({ payload }) => payload.connectionId !== frame.payload.connectionId);
    // A second try would be another connection.
    const isOfThem = offers.some(({ payload }) => payload.connectionId === frame.payload.connectionId);
    if (!isOfThem || other === undefined) return [];
    return [frame.src === ownerId ? readdress(frame, other) : frame];
  };
  server.tamper(deliver);
  server.deliver(held.flatMap(deliver));
}

test("answers that were held back, and where the owner is, connect those for whom they are meant", async ({
  server,
  owner,
  voter,
  another,
}) => {
  const link = await owner.createPoll(LUNCH);
  await holdAndLetGo(server, [voter, another], link, (frame) => frame);
  await voter.poll.isConnected();
  await another.poll.isConnected();
  await toldStateTo(owner, 2);
});

test("answers that were held back, and where the owner is, connect nobody when each is told what the other should be", async ({
  server,
  owner,
  voter,
  another,
}) => {
  const link = await owner.createPoll(LUNCH);
  await holdAndLetGo(server, [voter, another], link, (frame, other) => ({
    ...frame,
    dst: other.src,
    payload: { ...frame.payload, connectionId: other.payload.connectionId },
  }));
  await isOffline(voter);
  await isOffline(another);
  for (const person of [voter, another]) expect(await person.wire.sent("auth:hello")).toEqual([]);
  await another.page.close();
  await onlyHonestyHelps(server, owner, voter, link);
});

// --- what stands ---------------------------------------------------------------------------------

/** An owner and a voter who are connected, and the newest offer and answer that brought them together. */
async function together(server: HostileServer, owner: Person, voter: Person): Promise<{ link: string; offer: Frame; answer: Frame }> {
  const link = await owner.createPoll(LUNCH);
  await voter.join(link);
  const [offer] = server.carried("OFFER");
  const [answer] = server.carried("ANSWER");
  return { link, offer, answer };
}

/** The voter's connection has been cut and is back, and a vote goes through and counts once. */
async function isBack(owner: Person, voter: Person): Promise<void> {
  await expect.poll(() => voter.wire.received("auth:welcome"), { timeout: SAID_WITHIN_MS }).toHaveLength(2);
  await voter.poll.isConnected();
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await toldStateTo(owner, 2);
}

/** The voter's connection has not suffered: a vote goes over the very same. As many people as ever came are still here. */
async function hasStood(owner: Person, voter: Person, people = 1): Promise<void> {
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
  await voter.poll.isConnected();
  await toldStateTo(owner, people);
}

/** Says something to somebody, and waits until it has come in there. */
async function tell(server: HostileServer, person: Person, frame: Pick<Frame, "type" | "src" | "dst">): Promise<void> {
  const heard = person.hears(JSON.stringify(frame));
  server.say(frame.dst, frame);
  await heard;
}

for (const who of ["owner", "voter"] as const) {
  test(`word that the other left, though they did not, cuts the ${who}'s connection; it comes back by itself`, async ({
    server,
    owner,
    voter,
  }) => {
    const { offer } = await together(server, owner, voter);
    const [src, dst] = who === "owner" ? [offer.src, offer.dst] : [offer.dst, offer.src];
    server.say(dst, { type: "LEAVE", src, dst });
    await isBack(owner, voter);
  });
}

test("an old offer cuts the connection that it once made; it comes back by itself, and counts once", async ({ server, owner, voter }) => {
  const { offer } = await together(server, owner, voter);
  server.deliver([offer]);
  await isBack(owner, voter);
});

test("an offer sent to a voter as an answer ends the connection rather than renegotiate it", async ({ server, owner, voter }) => {
  const { offer, answer } = await together(server, owner, voter);
  server.deliver([{ ...answer, payload: { ...answer.payload, sdp: offer.payload.sdp } }]);
  await isBack(owner, voter);
});

test("an offer sent to the owner as an answer ends the connection rather than renegotiate it", async ({ server, owner, voter }) => {
  const { offer } = await together(server, owner, voter);
  server.deliver([{ ...offer, type: "ANSWER" }]);
  await isBack(owner, voter);
});

test("a second answer changes nothing", async ({ server, owner, voter }) => {
  const { answer } = await together(server, owner, voter);
  await tell(server, voter, forged(answer, FAILING["a false fingerprint in its place"]));
  await tell(server, voter, answer);
  await hasStood(owner, voter);
});

test("word that the owner can't be reached changes nothing while they are connected", async ({ server, owner, voter }) => {
  const { offer } = await together(server, owner, voter);
  await tell(server, voter, { type: "EXPIRE", src: offer.dst, dst: offer.src });
  await hasStood(owner, voter);
});

test("an error of the server is said to the owner; whoever is connected votes on", async ({ server, owner, voter, another }) => {
  const { link, offer } = await together(server, owner, voter);
  server.say(offer.dst, { type: "ERROR", payload: { msg: "<b>Go away</b>" } });
  await expect(owner.poll.cause("The signalling server can't be reached: nobody new can join. Whoever is connected stays so.")).toBeVisible();
  await hasStood(owner, voter);
  await owner.poll.isConnected(SAID_WITHIN_MS);
  await another.join(link);
});

test("a server that gives the owner's id away says so to the owner; whoever is connected votes on", async ({
  server,
  owner,
  voter,
  another,
}) => {
  const { link, offer } = await together(server, owner, voter);
  server.deny((id) => id === offer.dst);
  server.say(offer.dst, ID_TAKEN);
  const words = "Another device or browser is using your peer id. Close Peerpoll there, and this one takes over.";
  await expect(owner.poll.cause(words)).toBeVisible();
  await hasStood(owner, voter);
  server.obey();
  await owner.poll.isConnected(SAID_WITHIN_MS);
  await another.join(link);
});

test("a server that denies a voter every id is not asked without end, and the page says what is wrong", async ({ server, owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  const ownerId = ownerIdIn(link);
  server.deny((id) => id !== ownerId);
  await voter.visit(link);
  await expect(voter.poll.cause("Your peer id is in use on another device.")).toBeVisible();
  const [plain, suffixed] = server.idsAsked().filter((id) => id !== ownerId);
  expect(suffixed).toMatch(new RegExp(`^${plain}-[a-z2-7]{8}$`));
  await onlyHonestyHelps(server, owner, voter, link);
});

// --- keeping apart ---------------------------------------------------------------------------------

for (const type of ["OFFER", "ANSWER"]) {
  test(`a server that loses every ${type.toLowerCase()} keeps people apart, which is said, until it stops`, async ({ server, owner, voter }) => {
    const link = await owner.createPoll(LUNCH);
    server.tamper((frame) => (frame.type === type ? [] : [frame]));
    await voter.visit(link);
    await isOffline(voter);
    await onlyHonestyHelps(server, owner, voter, link);
  });
}

test("a server that says of the owner that nobody is there is believed no longer than it says so", async ({ server, owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  server.tamper((frame) => [frame.type === "OFFER" ? { ...frame, type: "EXPIRE", src: frame.dst, dst: frame.src } : frame]);
  await voter.visit(link);
  await isOffline(voter);
  server.obey();
  await voter.poll.isConnected(SAID_WITHIN_MS);
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

test("what a server holds back and then lets go still brings people together", async ({ server, owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  const held: Frame[] = [];
  server.tamper((frame) => {
    held.push(frame);
    return [];
  });
  await voter.visit(link);
  await expect.poll(() => held.filter(({ type }) => type === "OFFER").length).toBe(1);
  await toldStateTo(owner, 0);
  server.obey();
  server.deliver(held);
  await voter.poll.isConnected();
  await hasStood(owner, voter);
});

test("an answer that comes too late, during the next try, changes nothing; the next try connects", async ({ server, owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  const ownerId = ownerIdIn(link);
  const held: Frame[] = [];
  server.tamper((frame) => {
    if (frame.src !== ownerId) return [frame];
    held.push(frame);
    return [];
  });
  await voter.visit(link);
  const said = await voter.poll.writeDownConnection();
  await expect.poll(() => server.carried("OFFER").length, { timeout: SAID_WITHIN_MS }).toBe(2);
  const [, second] = server.carried("OFFER");
  const isOfSecond = ({ payload }: Frame) => payload.connectionId === second.payload.connectionId;
  await expect.poll(() => held.some((frame) => isOfSecond(frame) && frame.type === "ANSWER")).toBe(true);

  const late = held.filter((frame) => !isOfSecond(frame));
  expect(late.map(({ type }) => type)).toContain("ANSWER");
  for (const frame of late) await tell(server, voter, frame);
  server.obey();
  server.deliver(held.filter(isOfSecond));
  await voter.poll.isConnected();
  expect(await said.jsonValue()).toEqual(["Connecting", OFFLINE, "Connected"]);
  await hasStood(owner, voter);
  expect(server.carried("OFFER")).toHaveLength(2);
});

/** PeerJS drops what it made of an offer when the same comes again: an answer that left before then leads nowhere. */
test("a server that carries an offer twice connects people, if need be at the next try", async ({ server, owner, voter }) => {
  const link = await owner.createPoll(LUNCH);
  let copies = 0;
  server.tamper((frame) => (frame.type === "OFFER" && (copies += 1) === 1 ? [frame, frame] : [frame]));
  await voter.visit(link);
  await voter.poll.isConnected(SECOND_TRY_MS);
  await voter.poll.vote("Soup");
  await owner.poll.shows({ Pizza: 0, Soup: 1 }, { voters: 1 });
});

for (const type of ["ANSWER", "CANDIDATE"]) {
  test(`a server that carries every ${type.toLowerCase()} twice connects people once`, async ({ server, owner, voter }) => {
    const link = await owner.createPoll(LUNCH);
    server.tamper((frame) => (frame.type === type ? [frame, frame] : [frame]));
    await voter.join(link);
    await hasStood(owner, voter);
  });
}

// --- floods ------------------------------------------------------------------------------------------

/** Twice what a browser allows a page, and more than a page lets open at one time. */
const FLOOD = 1_000;
/** Messages for connections that are not there. */
const STRAYS_KEPT = 500;

/** Everybody's offer to `dst` and nobody's: they are all one offer, under as many names. Returns once they have all come in. */
async function flood(server: HostileServer, person: Person, offer: Frame): Promise<void> {
  const offers = Array.from({ length: FLOOD }, (_, at) => ({
    ...offer,
    src: `nobody${at}`,
    payload: { ...offer.payload, connectionId: `dc_${at}` },
  }));
  const last = person.hears(JSON.stringify(offers.at(-1)));
  server.deliver(offers);
  await last;
}

test("a flood of offers in made-up names cuts nobody off, and keeps nobody out once it ends", async ({ server, owner, voter, another }) => {
  const { link, offer } = await together(server, owner, voter);
  await flood(server, owner, offer);
  await another.visit(link);
  await expect(another.poll.cause("Looking for the owner's browser.")).toBeVisible();
  const said = await another.poll.writeDownConnection();
  await owner.poll.isConnected();
  await expect(owner.poll.cause("1 other person is here.")).toBeVisible();
  await hasStood(owner, voter);

  // What the flood left half open is given up first, and then the try that found no room beside it.
  await another.poll.isConnected(SECOND_TRY_MS);
  expect(await said.jsonValue()).toEqual(["Connecting", OFFLINE, "Connected"]);
  await another.poll.vote("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 1 }, { voters: 2 });
  await voter.poll.isConnected();
  await toldStateTo(owner, 2);
});

test("a flood of offers to a voter does not cut them off, and once they are cut off they come back", async ({
  server,
  owner,
  voter,
}) => {
  const { offer } = await together(server, owner, voter);
  await flood(server, voter, { ...offer, dst: offer.src });
  await hasStood(owner, voter);
  await voter.poll.vote("Pizza");
  await owner.poll.shows({ Pizza: 1, Soup: 0 }, { voters: 1 });
  await voter.wire.cut();
  await isBack(owner, voter);
});

/** How many messages PeerJS keeps in a page from now on for connections that it does not know. */
async function watchStrays(page: Page): Promise<() => Promise<number>> {
  const strays = await page.evaluateHandle(() => {
    type Keeping = { _lostMessages: Map<string, unknown[]>; _storeMessage(id: string, message: unknown): void };
    const prototype = window.Peer.prototype as unknown as Keeping;
    const store = prototype._storeMessage;
    const kept = { count: () => 0 };
    prototype._storeMessage = function (id, message) {
      kept.count = () => [...this._lostMessages.values()].flat().length;
      store.call(this, id, message);
    };
    return kept;
  });
  return () => strays.evaluate((kept) => kept.count());
}

test("a flood of candidates keeps nobody out and cuts nobody off, and the last few hundred are kept", async ({
  server,
  owner,
  voter,
  another,
}) => {
  const { link, offer } = await together(server, owner, voter);
  const strays = await watchStrays(owner.page);
  const [candidate] = server.carried("CANDIDATE").filter(({ dst }) => dst === offer.dst);
  for (const connectionId of [offer.payload.connectionId, "dc_nowhere"]) {
    const frame = { ...candidate, payload: { ...candidate.payload, connectionId } };
    server.deliver(Array(5_000).fill(frame));
  }
  const last = Array.from({ length: STRAYS_KEPT }, (_, at) => ({
    ...candidate,
    payload: { ...candidate.payload, connectionId: `dc_${at}` },
  }));
  server.deliver(last.slice(0, -1));
  await tell(server, owner, last[last.length - 1]);
  expect(await strays()).toBe(STRAYS_KEPT);
  await another.join(link);
  await hasStood(owner, voter, 2);
});

test("answers that nobody waits for, candidates for no connection, and long ones are not kept", async ({ server, owner, voter }) => {
  const { offer, answer } = await together(server, owner, voter);
  const strays = await watchStrays(owner.page);
  const toNobody = { ...answer, src: offer.src, dst: offer.dst, payload: { ...answer.payload, connectionId: "dc_0" } };
  await tell(server, owner, toNobody);
  const [candidate] = server.carried("CANDIDATE").filter(({ dst }) => dst === offer.dst);
  for (const connectionId of [7, {}, "", "x".repeat(129), undefined]) {
    await tell(server, owner, { ...candidate, payload: { ...candidate.payload, connectionId } } as Frame);
  }
  await tell(server, owner, { ...candidate, payload: { ...candidate.payload, connectionId: "dc_0", junk: "x".repeat(2_000) } } as Frame);
  expect(await strays()).toBe(0);
  await hasStood(owner, voter);
});

/** What the server says. PeerJS throws at some of it, unheard. */
const NONSENSE: Record<string, { type: string; payload?: object | null }> = {
  "an offer of nothing": { type: "OFFER", payload: null },
  "an offer without a description": { type: "OFFER", payload: { connectionId: "dc_1", type: "data", serialization: "raw" } },
  "an offer of another serialisation": { type: "OFFER", payload: { connectionId: "dc_2", type: "data", serialization: "json" } },
  "an offer of an inherited serialisation": {
    type: "OFFER",
    payload: { connectionId: "dc_3", type: "data", serialization: "constructor" },
  },
  "a call": { type: "OFFER", payload: { connectionId: "mc_1", type: "media" } },
  "an error about nothing": { type: "ERROR" },
  "nothing known": { type: "BURN", payload: {} },
};

for (const [what, frame] of Object.entries(NONSENSE)) {
  test(`a server that says ${what} is passed over`, async ({ server, owner, voter, another }) => {
    const { link, offer } = await together(server, owner, voter);
    await tell(server, owner, { ...frame, src: "nobody", dst: offer.dst });
    await another.join(link);
    await hasStood(owner, voter, 2);
  });
}
