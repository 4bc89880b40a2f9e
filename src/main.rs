//! Starts the page. Everything else lives in the library.

#[cfg(all(target_arch = "wasm32", feature = "page"))]
fn main() {
    console_error_panic_hook::set_once();
    peerpoll::ui::mount();
}

#[cfg(not(all(target_arch = "wasm32", feature = "page")))]
fn main() {
    eprintln!("Peerpoll runs in a browser: `cargo xtask serve` starts it.");
}
