//! `vae cache`: the phases that fits share.

use crate::args::CacheCommand;
use crate::output::{counted, say, say_json};
use anyhow::{Context, Result};
use bytesize::ByteSize;
use serde::Serialize;
use std::path::Path;
use vae_core::cache::{DEFAULT_LIMIT, LIMIT_VARIABLE, PhaseCache, Usage, parse_limit};

/// The user's phase cache with the limit of `VAE_CACHE_MAX`; `None` where there is no place for
/// one.
///
/// # Errors
/// A limit that is no size.
pub fn of_user() -> Result<Option<PhaseCache>> {
    let text = std::env::var_os(LIMIT_VARIABLE).filter(|text| !text.is_empty());
    let limit = text.map_or(Ok(DEFAULT_LIMIT), |text| parse_limit(&text.to_string_lossy()))?;
    Ok(vae_data::cache_dir().map(|dir| PhaseCache::new(&dir, limit)))
}

#[derive(Serialize)]
struct Size<'a> {
    path: &'a Path,
    #[serde(flatten)]
    usage: Usage,
    limit: u64,
}

/// Runs one of the three.
///
/// # Errors
/// No place for a cache, a bad limit, a folder that cannot be read or written.
pub fn run(command: &CacheCommand) -> Result<()> {
    let cache = of_user()?.context("there is no home folder for a cache; set VAE_CACHE_DIR to a folder")?;
    let folder = cache.folder().display();
    match command {
        CacheCommand::Path => say(&format!("{folder}\n")),
        CacheCommand::Size { json } => {
            let (usage, limit) = (cache.usage()?, cache.limit());
            if *json {
                return say_json(&Size { path: cache.folder(), usage, limit });
            }
            let limit = if limit == 0 { "switched off".into() } else { format!("limit {}", size(limit)) };
            say(&format!("{folder}: {}; {limit} ({LIMIT_VARIABLE})\n", phases(usage)))
        }
        CacheCommand::Clear => {
            let cleared = cache.clear()?;
            let mut text = format!("removed {}, from {folder}\n", phases(cleared.removed));
            if cleared.in_use > 0 {
                text += &format!("kept {} that running fits use\n", counted(cleared.in_use, "phase"));
            }
            say(&text)
        }
    }
}

fn phases(usage: Usage) -> String {
    format!("{}, {}", counted(usage.entries, "phase"), size(usage.bytes))
}

fn size(bytes: u64) -> String {
    ByteSize(bytes).display().si().to_string()
}
