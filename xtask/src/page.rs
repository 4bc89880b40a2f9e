//! The finished HTML: the security policy, and the variants of the page that static hosts need.

use anyhow::{Result, bail};

/// `connect-src` leaves the host of web sockets open: `config.json` names it, and is read at run time. A server that
/// knows it can narrow this down in a header, as `signalling/page.mjs` does.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self'; connect-src 'self' ws: wss:; base-uri 'self'; form-action 'none'";

/// The policy governs only what comes after it.
const POLICY_AFTER: &str = r#"<meta charset="utf-8">"#;
const BASE: &str = r#"<base href="./">"#;
const BASE_ONE_UP: &str = r#"<base href="../">"#;

/// One page, ready to be written under several names.
#[derive(Debug)]
pub struct Page {
    /// For the root and, since "./" of `/poll` is the root, for a host's answer to any other name there.
    pub index: String,
    /// For hosts that send `/poll` on to `/poll/`.
    pub one_down: String,
}

/// Finishes the HTML that Trunk wrote.
pub fn finish(html: &str) -> Result<Page> {
    refuse_inline_code(html)?;
    let policy =
        format!(r#"{POLICY_AFTER}<meta http-equiv="Content-Security-Policy" content="{POLICY}">"#);
    let index = replace_once(html, POLICY_AFTER, &policy)?;
    let one_down = replace_once(&index, BASE, BASE_ONE_UP)?;
    Ok(Page { index, one_down })
}

fn replace_once(html: &str, old: &str, new: &str) -> Result<String> {
    match html.matches(old).count() {
        1 => Ok(html.replacen(old, new, 1)),
        count => bail!("the built index.html holds `{old}` {count} times instead of once"),
    }
}

/// The policy would silently disable it in the browser; better to fail here.
fn refuse_inline_code(html: &str) -> Result<()> {
    let is_inline_script =
        |tag: &str| !tag.split('>').next().is_some_and(|tag| tag.contains("src="));
    if let Some(tag) = html.split("<script").skip(1).find(|tag| is_inline_script(tag)) {
        let start = tag.chars().take(80).collect::<String>();
        bail!("the built index.html holds an inline script: <script{start}");
    }
    if html.contains("<style") || html.contains(" style=") {
        bail!("the built index.html holds an inline style");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT: &str = r#"<!doctype html><head><meta charset="utf-8"><base href="./">
        <script src="./peerjs-0123456789abcdef.min.js" defer></script>
        <script type="module" src="./boot.js" data-app="./app.js"></script></head>"#;

    #[test]
    fn the_policy_comes_before_the_first_script() -> Result<()> {
        let page = finish(BUILT)?;
        let policy = page.index.find("Content-Security-Policy");
        assert!(policy.is_some() && policy < page.index.find("<script"));
        Ok(())
    }

    #[test]
    fn the_page_one_down_differs_in_its_base_alone() -> Result<()> {
        let page = finish(BUILT)?;
        assert!(page.index.contains(BASE));
        assert_eq!(page.one_down.replace(BASE_ONE_UP, BASE), page.index);
        assert_ne!(page.one_down, page.index);
        Ok(())
    }

    #[test]
    fn inline_code_is_refused() {
        for inline in [
            "<script>go()</script>",
            "<script type=\"module\">go()</script>",
            "<p style=\"color:red\">",
        ] {
            assert!(finish(&format!("{BUILT}{inline}")).is_err(), "{inline}");
        }
    }

    #[test]
    fn html_without_its_landmarks_is_refused() {
        assert!(finish("<base href=\"./\">").is_err());
        assert!(finish("<meta charset=\"utf-8\"><base href=\"/\">").is_err());
    }
}
