//! Starts the page. Everything else lives in the library.

#[cfg(target_arch = "wasm32")]
fn main() {
    console_error_panic_hook::set_once();
    peerpoll::ui::mount();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("Peerpoll runs in a browser: `cargo xtask serve` starts it.");
}
