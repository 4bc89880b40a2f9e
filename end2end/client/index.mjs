// A participant of Peerpoll in plain JavaScript: what docs/protocol.md says, and nothing of the app. Ids, handshake, signed commands.
//
//   const identity = await Identity.fromSeed();
//   const room = await parseLink("https://…/poll#owner/poll");
//   const connection = await Connection.dial({ Peer, signalling, room, identity });
//   await connection.enter();
//   await connection.give("poll:vote", { choices: [0] });

export * from "./bytes.mjs";
export * from "./command.mjs";
export * from "./connection.mjs";
export * from "./handshake.mjs";
export * from "./identity.mjs";
