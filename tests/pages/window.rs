//! A window of Chromium on a page that is a file.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use headless_chrome::protocol::cdp::{Emulation, Page};
use headless_chrome::{Browser, LaunchOptions, Tab};
use tempfile::TempDir;

/// How long a browser may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which colours a reader likes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

pub(crate) struct Window {
    tab: Arc<Tab>,
    _browser: Browser,
    directory: TempDir,
}

impl Window {
    /// A window, where there is a Chromium.
    pub(crate) fn open() -> Option<Self> {
        let search = env::var_os("PATH").unwrap_or_default();
        let chromium = ["/usr/bin".into()]
            .into_iter()
            .chain(env::split_paths(&search))
            .map(|directory: PathBuf| directory.join("chromium"))
            .find(|path| path.is_file())?;
        let directory = TempDir::new().unwrap();
        let arguments = [
            "--no-first-run",
            "--disable-gpu",
            "--disable-sync",
            "--disable-background-networking",
            "--hide-scrollbars",
        ];
        let options = LaunchOptions {
            // Where tests run there is often no user namespace for a sandbox; the pages are ours.
            sandbox: false,
            path: Some(chromium),
            user_data_dir: Some(directory.path().join("profile")),
            args: arguments.map(OsStr::new).into(),
            idle_browser_timeout: PATIENCE,
            ..LaunchOptions::default()
        };
        let browser = Browser::new(options).unwrap();
        let tab = browser.new_tab().unwrap();
        tab.set_default_timeout(PATIENCE);
        Some(Self {
            tab,
            _browser: browser,
            directory,
        })
    }

    /// In these colours and this many pixels wide.
    pub(crate) fn look(&self, scheme: Scheme, width: u32) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        self.tab
            .call_method(Emulation::SetEmulatedMedia {
                media: Some(String::new()),
                features: Some(vec![Emulation::MediaFeature {
                    name: "prefers-color-scheme".to_owned(),
                    value: value.to_owned(),
                }]),
            })
            .unwrap();
        self.size(width, 600);
    }

    fn size(&self, width: u32, height: u32) {
        self.tab
            .call_method(Emulation::SetDeviceMetricsOverride {
                width,
                height,
                device_scale_factor: 1.0,
                mobile: false,
                scale: None,
                screen_width: None,
                screen_height: None,
                position_x: None,
                position_y: None,
                dont_set_visible_size: None,
                screen_orientation: None,
                viewport: None,
                display_feature: None,
                device_posture: None,
            })
            .unwrap();
    }

    /// Shows a page.
    pub(crate) fn show(&self, html: &str) {
        let file = self.directory.path().join("page.html");
        fs::write(&file, html).unwrap();
        self.tab
            .navigate_to(&format!("file://{}", file.display()))
            .unwrap()
            .wait_until_navigated()
            .unwrap();
    }

    /// The text that a script comes to; empty where it comes to something else.
    pub(crate) fn evaluate(&self, script: &str) -> String {
        let found = self.tab.evaluate(script, true).unwrap();
        let value = found.value.unwrap_or_default();
        value.as_str().unwrap_or_default().to_owned()
    }

    /// The whole page as a PNG.
    pub(crate) fn picture(&self) -> Vec<u8> {
        self.captured(Page::CaptureScreenshotFormatOption::Png, None)
    }

    /// The whole page as a WebP, which is smaller.
    pub(crate) fn small_picture(&self) -> Vec<u8> {
        self.captured(Page::CaptureScreenshotFormatOption::Webp, Some(75))
    }

    /// As on paper, until the next `look`.
    pub(crate) fn print(&self) {
        self.tab
            .call_method(Emulation::SetEmulatedMedia {
                media: Some("print".to_owned()),
                features: None,
            })
            .unwrap();
    }

    fn captured(&self, format: Page::CaptureScreenshotFormatOption, quality: Option<u32>) -> Vec<u8> {
        let size = self.evaluate("innerWidth + ' ' + document.documentElement.scrollHeight");
        let (width, height) = size.split_once(' ').unwrap();
        self.size(width.parse().unwrap(), height.parse().unwrap());
        self.tab.capture_screenshot(format, quality, None, true).unwrap()
    }
}
