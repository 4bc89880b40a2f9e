// Which client frames PeerServer gets to see.
//
// PeerServer relays what it is given, and answers trouble by closing the socket of the peer a frame was meant for. A
// payload nested deeper than `JSON.stringify` can walk would so cut off a bystander, hence a limit on depth. `EXPIRE` is the
// server's own word. `LEAVE` tells one peer that connections it may still hold to the sender are dead; without an
// addressee it would log the sender off.

const RELAYED_TYPES = new Set(["OFFER", "ANSWER", "CANDIDATE", "LEAVE"]);
const HEARTBEAT = "HEARTBEAT";
const ID_LENGTH_MAX = 128;
const DEPTH_MAX = 16;

/** Throws when PeerServer should not act on `frame`, a parsed JSON object that a client sent. */
export function assertAcceptable(frame) {
  if (frame.type === HEARTBEAT) return;
  if (!RELAYED_TYPES.has(frame.type)) throw new Error("frame type is not for clients");
  if (typeof frame.dst !== "string" || frame.dst.length === 0 || frame.dst.length > ID_LENGTH_MAX) {
    throw new Error("frame names no peer");
  }
  if (isDeeperThan(frame.payload, DEPTH_MAX)) throw new Error("frame is nested too deeply");
}

function isDeeperThan(value, levels) {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}
