//! The colours of the stylesheet against WCAG 2.2: 4.5 to 1 for text (1.4.3), 3 to 1 for edges and focus (1.4.11).

use super::super::STYLE;

/// Foreground, background, least ratio.
const PAIRS: [(&str, &str, f64); 22] = [
    ("ink", "page", 4.5),
    ("ink", "card", 4.5),
    ("ink", "sunken", 4.5),
    ("soft", "page", 4.5),
    ("soft", "card", 4.5),
    ("soft", "sunken", 4.5),
    ("accent", "card", 4.5),
    ("accent", "sunken", 4.5),
    ("accent", "page", 3.0),
    ("demo-accent", "card", 4.5),
    ("demo-accent", "sunken", 4.5),
    ("demo-accent", "page", 3.0),
    ("on-accent", "accent", 4.5),
    ("demo-on-accent", "demo-accent", 4.5),
    ("on-deny", "deny", 4.5),
    ("deny", "card", 3.0),
    ("bad", "card", 4.5),
    ("bad", "sunken", 4.5),
    ("bad", "bad-card", 4.5),
    ("good", "card", 4.5),
    ("good", "sunken", 4.5),
    ("edge", "card", 3.0),
];

/// The luminance and the hexadecimal digits of a colour: what the stylesheet sets last for light or dark.
/// A name that begins with `demo-` asks for the colour on the demo client's page.
fn colour(name: &str, dark: bool) -> (f64, String) {
    let (demo, name) = name
        .strip_prefix("demo-")
        .map_or((false, name), |name| (true, name));
    let screen = STYLE.split("@media print").next().unwrap_or_default();
    let wanted = format!("--{name}: #");
    let mut found = None;
    let mut in_dark = false;
    for line in screen.lines() {
        if line.starts_with("@media (prefers-color-scheme: dark)") {
            in_dark = true;
        } else if line == "}" {
            in_dark = false;
        }
        let of_demo = line.trim_start().starts_with(".demo");
        if let Some((_, hex)) = line.split_once(&wanted)
            && (dark || !in_dark)
            && (demo || !of_demo)
        {
            found = Some(hex[..6].to_owned());
        }
    }
    let hex = found.unwrap_or_else(|| panic!("the stylesheet sets no {name}"));
    (luminance(&hex), hex)
}

/// Relative luminance as WCAG defines it.
fn luminance(hex: &str) -> f64 {
    let channel = |at: usize| {
        let value =
            f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits")) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

fn ratio(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_pair_of_colours_has_enough_contrast_in_light_and_dark() {
    for dark in [false, true] {
        for (foreground, background, least) in PAIRS {
            let (front, front_hex) = colour(foreground, dark);
            let (back, back_hex) = colour(background, dark);
            let ratio = ratio(front, back);
            assert!(
                ratio >= least,
                "{foreground} #{front_hex} on {background} #{back_hex}, dark {dark}: {ratio:.2} is less than {least}"
            );
        }
    }
}

#[test]
fn dark_colours_differ_from_light_ones() {
    for name in ["page", "card", "ink", "accent", "demo-accent"] {
        assert_ne!(colour(name, false).1, colour(name, true).1, "{name}");
    }
}

#[test]
fn black_on_white_is_twenty_one_to_one() {
    assert!((ratio(luminance("000000"), luminance("ffffff")) - 21.0).abs() < 1e-9);
}
