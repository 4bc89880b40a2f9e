use std::fmt::Write as _;

use fast_qr::qr::QRBuilder;
use fast_qr::{ECL, QRCode};
use leptos::prelude::*;

/// White modules around the code; scanners want four.
const QUIET_ZONE: usize = 4;

/// A QR code, black on white in every theme: inverted ones defeat many scanners.
#[component]
pub fn QrCode(text: String) -> impl IntoView {
    // A text too long for any code shows none; the link beside it says the same.
    QRBuilder::new(text).ecl(ECL::M).build().ok().map(|code| {
        let side = code.size + 2 * QUIET_ZONE;
        view! {
            <svg
                class="qr"
                viewBox=format!("0 0 {side} {side}")
                role="img"
                aria-label="QR code of the poll link"
                shape-rendering="crispEdges"
            >
                <rect class="qr__paper" width=side.to_string() height=side.to_string() />
                <path class="qr__ink" d=path(&code) />
            </svg>
        }
    })
}

/// One rectangle for each run of dark modules in a row.
fn path(code: &QRCode) -> String {
    let mut path = String::new();
    for y in 0..code.size {
        let row = code.data.get(y * code.size..(y + 1) * code.size).unwrap_or_default();
        let mut x = 0;
        for run in row.chunk_by(|a, b| a.value() == b.value()) {
            if run.first().is_some_and(|module| module.value()) {
                // Writing to a string can't fail.
                let _ = write!(
                    path,
                    "M{} {}h{}v1h-{}z",
                    x + QUIET_ZONE,
                    y + QUIET_ZONE,
                    run.len(),
                    run.len()
                );
            }
            x += run.len();
        }
    }
    path
}
