//! Colours, and whether one can be read on another as WCAG 2.2 measures it (1.4.3).

use std::fmt;

/// The least contrast of text, to 1.
pub(super) const READABLE: f64 = 4.5;

/// A colour on a screen: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour([u8; 3]);

/// What stands behind text on the pages in the light scheme, and in the dark one: the darkest of the one, the lightest
/// of the other. The tests hold both against the stylesheet.
pub(super) const LIGHT_GROUND: Colour = Colour([0xf5, 0xf6, 0xf9]);
pub(super) const DARK_GROUND: Colour = Colour([0x22, 0x26, 0x2f]);

const BLACK: Colour = Colour([0; 3]);
const WHITE: Colour = Colour([0xff; 3]);

impl Colour {
    /// Reads `#1d4fc4`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let mut parts = [0; 3];
        for (at, part) in parts.iter_mut().enumerate() {
            *part = hexadecimal(digits.get(at * 2..at * 2 + 2)?)?;
        }
        Some(Self(parts))
    }

    /// Relative luminance, 0 to 1.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let value = f64::from(part) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// The contrast with another colour, 1 to 21.
    pub(super) fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// So many hundredths of the way to another colour.
    fn towards(self, other: Self, hundredths: u16) -> Self {
        let mut parts = self.0;
        for (part, to) in parts.iter_mut().zip(other.0) {
            let sum = u16::from(*part) * (100 - hundredths) + u16::from(to) * hundredths;
            *part = u8::try_from(sum / 100).unwrap_or(u8::MAX);
        }
        Self(parts)
    }

    /// The nearest shade of this colour that can be read on `ground`: itself, or one darker or lighter.
    pub(super) fn readable_on(self, ground: Self) -> Self {
        let end = ground.text_on();
        (0..=100)
            .map(|hundredths| self.towards(end, hundredths))
            .find(|shade| shade.contrast(ground) >= READABLE)
            .unwrap_or(end)
    }

    /// Black or white, whichever can be read better on this colour; one of them always can.
    pub(super) fn text_on(self) -> Self {
        if self.contrast(BLACK) >= self.contrast(WHITE) {
            BLACK
        } else {
            WHITE
        }
    }
}

/// Two hexadecimal digits, and nothing that only parses as a number.
fn hexadecimal(digits: &str) -> Option<u8> {
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| are_digits)
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_what_wcag_says() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
        assert!((WHITE.contrast(WHITE) - 1.0).abs() < 1e-9);
        let grey = Colour::parse("#767676").unwrap();
        assert!((grey.contrast(WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn only_six_digits_are_a_colour() {
        assert_eq!(Colour::parse("#1D4fc4").unwrap().to_string(), "#1d4fc4");
        for text in [
            "", "#", "1d4fc4", "#fff", "#1d4fc", "#1d4fc4f", "#1d4fcg", "#+1+2+3", "#ä1fc4", "red",
        ] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }

    #[test]
    fn any_colour_becomes_one_that_can_be_read_in_either_scheme() {
        for step in 0..512_u32 {
            let part = |shift: u32| u8::try_from((step >> shift & 7) * 36).unwrap();
            let colour = Colour([part(0), part(3), part(6)]);
            for ground in [LIGHT_GROUND, DARK_GROUND] {
                let shade = colour.readable_on(ground);
                assert!(shade.contrast(ground) >= READABLE, "{colour} on {ground}");
                assert!(shade.text_on().contrast(shade) >= READABLE, "on {shade}");
            }
        }
        let readable = Colour::parse("#1d4fc4").unwrap();
        assert_eq!(readable.readable_on(LIGHT_GROUND), readable);
    }

    #[test]
    fn the_grounds_are_those_of_the_stylesheet() {
        let style = super::super::STYLE;
        for ground in [LIGHT_GROUND, DARK_GROUND] {
            assert!(style.contains(&format!("--sunken: {ground};")), "{ground}");
        }
    }
}
