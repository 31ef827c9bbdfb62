//! The client's fonts: Inter in two weights, before those that egui brings. What they lack comes from the system's.

use std::sync::Arc;

use egui::{Context, FontData, FontDefinitions, FontFamily};

/// Gives a context the client's fonts. A host that has its own need not call it.
pub fn install(ctx: &Context) {
    let mut fonts = FontDefinitions::default();
    let own = [("Inter", REGULAR), ("Inter SemiBold", SEMIBOLD)];
    for (name, bytes) in own {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let others = fonts.families.entry(FontFamily::Proportional).or_default();
    others.insert(0, "Inter".to_owned());
    let mut strong = others.clone();
    strong.insert(0, "Inter SemiBold".to_owned());
    fonts.families.insert(FontFamily::Name(STRONG.into()), strong);
    ctx.set_fonts(fonts);
}

/// Returns the family of what is strong, as far as the context has one.
pub(crate) fn strong_family(ctx: &Context) -> FontFamily {
    let strong = FontFamily::Name(STRONG.into());
    let is_there = ctx.fonts(|fonts| fonts.definitions().families.contains_key(&strong));
    if is_there { strong } else { FontFamily::Proportional }
}

/// What the strong family is called.
const STRONG: &str = "assist-strong";

const REGULAR: &[u8] = include_bytes!("../assets/Inter-Regular.otf");
const SEMIBOLD: &[u8] = include_bytes!("../assets/Inter-SemiBold.otf");
