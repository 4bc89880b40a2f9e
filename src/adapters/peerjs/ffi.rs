//! What we use of PeerJS 1.5.5, as `peerjs.min.js` puts it into the global scope. Nothing here decides.
//!
//! Everything may throw. Fields that the other end has a say in come as `JsValue`, for the caller to check.

use js_sys::{Array, Function, Object};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// eventemitter3, the base of the three below.
    #[derive(Clone)]
    pub type Emitter;

    #[wasm_bindgen(method, catch)]
    pub fn on(this: &Emitter, event: &str, listener: &Function) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn off(this: &Emitter, event: &str, listener: &Function) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn listeners(this: &Emitter, event: &str) -> Result<Array, JsValue>;

    /// Our end at the signalling server.
    #[wasm_bindgen(extends = Emitter)]
    #[derive(Clone)]
    pub type Peer;

    #[wasm_bindgen(constructor, catch)]
    pub fn new(id: &str, options: &Object) -> Result<Peer, JsValue>;

    /// `null` where there is no such connection to `remote`.
    #[wasm_bindgen(method, catch, js_name = getConnection)]
    pub fn get_connection(this: &Peer, remote: &str, id: &str) -> Result<JsValue, JsValue>;

    /// Takes out what came for a connection that was not there. Marked internal by PeerJS.
    #[wasm_bindgen(method, catch, js_name = _getMessages)]
    pub fn take_messages(this: &Peer, id: &str) -> Result<JsValue, JsValue>;

    /// Undefined when the peer is disconnected.
    #[wasm_bindgen(method, catch)]
    pub fn connect(this: &Peer, remote: &str, options: &Object) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn reconnect(this: &Peer) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn disconnect(this: &Peer) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn destroy(this: &Peer) -> Result<(), JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    pub fn open(this: &Peer) -> Result<bool, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    pub fn destroyed(this: &Peer) -> Result<bool, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    pub fn disconnected(this: &Peer) -> Result<bool, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    pub fn socket(this: &Peer) -> Result<Socket, JsValue>;

    /// The WebSocket to the signalling server; one for the life of a peer. Marked internal by PeerJS, which
    /// has no other way to say or hear `LEAVE`.
    #[wasm_bindgen(extends = Emitter)]
    pub type Socket;

    #[wasm_bindgen(method, catch)]
    pub fn send(this: &Socket, message: &Object) -> Result<(), JsValue>;

    /// One negotiated (or not yet negotiated) connection to a peer.
    #[wasm_bindgen(extends = Emitter)]
    #[derive(Clone)]
    pub type DataConnection;

    #[wasm_bindgen(method, catch)]
    pub fn close(this: &DataConnection) -> Result<(), JsValue>;

    /// The signalling id of the other end.
    #[wasm_bindgen(method, getter, catch)]
    pub fn peer(this: &DataConnection) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, catch, js_name = dataChannel)]
    pub fn data_channel(this: &DataConnection) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, catch, js_name = peerConnection)]
    pub fn peer_connection(this: &DataConnection) -> Result<JsValue, JsValue>;

    /// What an `error` event carries: an `Error` with a `type`.
    pub type PeerError;

    #[wasm_bindgen(method, getter, catch, js_name = type)]
    pub fn kind(this: &PeerError) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    pub fn message(this: &PeerError) -> Result<JsValue, JsValue>;

    /// A parsed message of the signalling server.
    pub type ServerMessage;

    #[wasm_bindgen(method, getter, catch, js_name = type)]
    pub fn kind(this: &ServerMessage) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    pub fn src(this: &ServerMessage) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    pub fn payload(this: &ServerMessage) -> Result<Payload, JsValue>;

    /// What an `OFFER`, an `ANSWER` or a `CANDIDATE` carries.
    pub type Payload;

    #[wasm_bindgen(method, getter, catch, js_name = connectionId)]
    pub fn connection_id(this: &Payload) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, catch, js_name = type)]
    pub fn kind(this: &Payload) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    pub fn serialization(this: &Payload) -> Result<JsValue, JsValue>;
}
