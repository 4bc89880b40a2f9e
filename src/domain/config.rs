//! What whoever deploys the page decides: `config.json` beside it, read at run time.

use std::fmt;

use serde::Deserialize;

/// The path of the signalling server where nothing else is said.
const DEFAULT_PATH: &str = "/signal";
/// PeerServer's own default key.
const DEFAULT_KEY: &str = "peerjs";

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub signalling: SignallingServer,
    /// STUN and TURN servers, as `RTCConfiguration.iceServers` has them. None by default.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// Where the signalling server is. What is absent or null is as the page itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignallingServer {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub path: String,
    pub secure: Option<bool>,
    pub key: String,
}

impl Default for SignallingServer {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            path: DEFAULT_PATH.to_owned(),
            secure: None,
            key: DEFAULT_KEY.to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    #[serde(deserialize_with = "one_or_many")]
    pub urls: Vec<String>,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub credential: Option<String>,
}

/// `urls` may be one text or a list of them.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Urls {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Urls::deserialize(deserializer)? {
        Urls::One(url) => vec![url],
        Urls::Many(urls) => urls,
    })
}

/// What is wrong with a `config.json`, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "config.json can't be used: {}", self.0)
    }
}

impl Config {
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        serde_json::from_str(text).map_err(|error| ConfigError(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_means_the_defaults() {
        assert_eq!(Config::parse(include_str!("../../config.json")), Ok(Config::default()));
        assert_eq!(Config::parse("{}"), Ok(Config::default()));
    }

    #[test]
    fn servers_are_read_in_both_shapes() {
        let text = r#"{"signalling": {"host": "s.example", "port": 443, "secure": true},
            "iceServers": [{"urls": "stun:a"}, {"urls": ["turn:b"], "username": "u", "credential": "c"}]}"#;
        let config = Config::parse(text).expect("valid");
        assert_eq!(config.signalling.host.as_deref(), Some("s.example"));
        assert_eq!(config.signalling.path, "/signal");
        assert_eq!(config.ice_servers[0].urls, ["stun:a"]);
        assert_eq!(config.ice_servers[1].credential.as_deref(), Some("c"));
    }

    #[test]
    fn mistakes_are_named() {
        let error = Config::parse(r#"{"signaling": {}}"#).expect_err("a typing mistake");
        assert!(error.to_string().contains("unknown field `signaling`"));
    }
}
