use leptos::prelude::*;

/// The few signs that go with words; none stands alone.
#[derive(Clone, Copy)]
pub enum Sign {
    Check,
    Plus,
    Cross,
    Warning,
}

impl Sign {
    /// Strokes on a 24 by 24 grid.
    fn path(self) -> &'static str {
        match self {
            Self::Check => "M5 12.5l4.5 4.5L19 7.5",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Cross => "M6 6l12 12M18 6L6 18",
            Self::Warning => "M12 8v5.5M12 17v.1M12 3.5L22 20.5H2z",
        }
    }
}

#[component]
pub fn Icon(sign: Sign) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=sign.path() />
        </svg>
    }
}
