//! The pages as an administrator set them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::check::{Checked, checked};
use super::colour::{Colour, DARK_GROUND, LIGHT_GROUND, READABLE};
use super::languages::Languages;
use super::overrides::Fault;
use super::templates::Templates;
use super::{Look, Pages, STYLE, logo};
use crate::config;

/// The setting that chooses the language by what a reader asks for.
const AUTO: &str = "auto";

impl Pages {
    /// The pages with these settings, and what is wrong with those. Nothing of it keeps people from signing in: what
    /// cannot be used is left out, and the built-in stands in its place.
    pub fn open(settings: &config::Pages) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let (templates, languages, mut style) = match &settings.templates {
            Some(directory) => from(directory, &mut faults),
            None => built_in(),
        };
        if let Some(accent) = Colour::parse(&settings.accent) {
            style.push_str(&accented(accent, &mut faults));
        }
        let wanted = Some(settings.language.as_str()).filter(|language| *language != AUTO);
        let language = wanted.and_then(|tag| languages.find(tag));
        if let (Some(tag), None) = (wanted, language) {
            let there = languages.tags().join(", ");
            let what = format!("there is no language `{tag}`; there are {there}");
            faults.push(Fault::of("pages.language", what));
        }
        let logo = settings.logo.as_deref().and_then(|path| match logo::read(path) {
            Ok(url) => Some(url),
            Err(what) => {
                faults.push(Fault::of("pages.logo", what));
                None
            }
        });
        let header = Some(&settings.header).filter(|header| !header.is_empty());
        let look = Look {
            title: settings.title.clone(),
            header: header.unwrap_or(&settings.title).clone(),
            footer: Some(settings.footer.clone()).filter(|footer| !footer.is_empty()),
            logo,
            language: language.map(str::to_owned),
        };
        (Self::assemble(templates, languages, look, style), faults)
    }
}

fn built_in() -> (Templates, Arc<Languages>, String) {
    let languages = Arc::new(Languages::new(BTreeMap::new()));
    (Templates::new(&languages), languages, STYLE.to_owned())
}

fn from(directory: &Path, faults: &mut Vec<Fault>) -> (Templates, Arc<Languages>, String) {
    match checked(directory) {
        Ok(Checked {
            languages,
            templates,
            style,
            faults: found,
        }) => {
            faults.extend(found);
            (templates, languages, style)
        }
        Err(error) => {
            let what = format!("{}: {error}", directory.display());
            faults.push(Fault::of("pages.templates", what));
            built_in()
        }
    }
}

/// The rules that colour the pages.
fn accented(accent: Colour, faults: &mut Vec<Fault>) -> String {
    let (light, dark) = (accent.readable_on(LIGHT_GROUND), accent.readable_on(DARK_GROUND));
    if light != accent {
        let what = format!(
            "{accent} has a contrast of {:.1} to 1 with the light pages, where text needs {READABLE}; they use {light}",
            accent.contrast(LIGHT_GROUND)
        );
        faults.push(Fault::of("pages.accent", what));
    }
    format!(
        ":root {{ --accent: {light}; --on-accent: {}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; --on-accent: {}; }} }}\n\
         @media print {{ :root {{ --accent: #000000; --on-accent: #ffffff; }} }}\n",
        light.text_on(),
        dark.text_on()
    )
}
