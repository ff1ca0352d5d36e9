//! `vae doctor`: what this machine has, in one screen, and how fast it trains.

use crate::args::DoctorArgs;
use crate::commands::{cache, threads};
use crate::hardware::{of_this_machine, physical_cores};
use crate::made_from;
use crate::output::{counted, say, say_json, table};
use anyhow::{Result, bail};
use bytesize::ByteSize;
use serde::Serialize;
use std::path::PathBuf;
use vae_core::device::{DeviceChoice, configure_process, device_name};
use vae_core::matmul::{Libraries, Matmul, MatmulChoice};
use vae_core::precision::{Bf16, Precision};
use vae_data::{Places, Reader, registry};
use vae_models::methods::vade::bench_support::{StepTimes, time_steps};

/// Samples of the timed steps: those of the networks at their published size, 256 of most of ours.
const BATCHES: [i64; 2] = [256, 100];

/// Timed steps of each kind, of which the median is told.
const N_STEPS: usize = 20;

/// What is looked at.
#[derive(Serialize)]
struct Answer {
    version: &'static str,
    libtorch: Libtorch,
    cpu: Option<String>,
    /// Physical cores, and so the threads of a fit where nothing else is said.
    cores: usize,
    /// Bytes that a new program could have.
    memory_available: Option<u64>,
    gpu: Gpu,
    data: Data,
    cache: Option<Cache>,
    /// What will not work, with the remedy.
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Libtorch {
    /// The version that the program was built with.
    version: Option<String>,
    /// The library that is in use.
    loaded: Option<PathBuf>,
    /// Libraries of matrix products on the CPU, the default first.
    matmul: Vec<&'static str>,
    /// Number formats of large products that the CPU has instructions for.
    precision: Vec<&'static str>,
    /// Whether bfloat16 is faster than single precision here.
    bf16_is_faster: bool,
}

#[derive(Serialize)]
struct Gpu {
    /// Its model, where one can be used.
    name: Option<String>,
    /// Why none can be.
    why_not: Option<String>,
}

#[derive(Serialize)]
struct Data {
    /// Folders that are searched, in their order, and where each is named.
    places: Vec<Searched>,
    /// Known sets that can be used as they are.
    available: Vec<String>,
}

#[derive(Serialize)]
struct Searched {
    dir: PathBuf,
    from: &'static str,
    exists: bool,
}

#[derive(Serialize)]
struct Cache {
    dir: PathBuf,
    phases: usize,
    bytes: u64,
    limit: u64,
}

/// Looks, and says what it found.
///
/// # Errors
/// Where something will not work.
pub fn run(args: &DoctorArgs) -> Result<()> {
    if args.time_steps {
        return steps(args);
    }
    let answer = look();
    match args.json {
        true => say_json(&answer)?,
        false => say(&text(&answer))?,
    }
    match answer.problems.len() {
        0 => Ok(()),
        n => bail!("{}: {}", counted(n, "problem"), answer.problems.join("; ")),
    }
}

/// What a training step of VaDE costs on a device.
#[derive(Serialize)]
struct Steps {
    device: String,
    threads: usize,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    #[serde(flatten)]
    times: StepTimes,
    /// The step over the time of its matrix products alone.
    ratio: f64,
}

fn steps(args: &DoctorArgs) -> Result<()> {
    let threads = threads(args.threads);
    configure_process(threads);
    MatmulChoice::Auto.apply()?;
    let device = args.device.resolve()?;
    let steps = BATCHES.map(|batch| time_steps(device, batch, N_STEPS));
    if args.json {
        let steps = steps.map(|times| Step { times, ratio: times.ratio() }).into();
        return say_json(&Steps { device: device_name(device), threads, steps });
    }
    let head = ["batch", "products ms", "step ms", "ratio", "epoch of 70,000 samples"].map(str::to_owned);
    let row = |t: &StepTimes| {
        vec![
            t.batch.to_string(),
            format!("{:.2}", t.floor_ms),
            format!("{:.2}", t.step_ms),
            format!("{:.2}", t.ratio()),
            format!("{:.1} s", t.epoch_s(70_000)),
        ]
    };
    let rows: Vec<_> = std::iter::once(head.to_vec()).chain(steps.iter().map(row)).collect();
    say(&format!(
        "a training step of VaDE on {} with {}, and its matrix products alone:\n{}",
        device_name(device),
        counted(threads, "thread"),
        table(&rows)
    ))
}

fn look() -> Answer {
    let mut problems = Vec::new();
    let gpu = match DeviceChoice::Cuda(0).resolve() {
        Ok(_) => Gpu { name: of_this_machine(Some(0)).gpu, why_not: None },
        Err(error) => Gpu { name: None, why_not: Some(error.to_string()) },
    };
    let cache = cache().unwrap_or_else(|error| {
        problems.push(format!("{error:#}"));
        None
    });
    let data = data();
    for place in data.places.iter().filter(|place| !place.exists && place.from != "cache") {
        let (dir, from) = (place.dir.display(), place.from);
        problems.push(format!("{from} names {dir}, which is no folder; create it, or unset {from}"));
    }
    let libraries = Libraries::of_this_machine();
    let others = [Matmul::Blas, Matmul::OneDnn].into_iter().filter(|library| *library != libraries.auto);
    let others = others.filter(|library| *library == Matmul::Blas || libraries.has_onednn);
    Answer {
        version: made_from::short(),
        libtorch: Libtorch {
            version: made_from::versions().libtorch,
            loaded: loaded("libtorch_cpu"),
            matmul: std::iter::once(libraries.auto).chain(others).map(Matmul::name).collect(),
            precision: Precision::on_this_cpu().into_iter().map(Precision::name).collect(),
            bf16_is_faster: Bf16::of_this_cpu() == Bf16::Fast,
        },
        cpu: of_this_machine(None).cpu,
        cores: physical_cores(),
        memory_available: memory_available(),
        gpu,
        data,
        cache,
        problems,
    }
}

fn cache() -> Result<Option<Cache>> {
    let Some(cache) = cache::of_user()? else { return Ok(None) };
    let usage = cache.usage()?;
    let dir = cache.folder().to_path_buf();
    Ok(Some(Cache { dir, phases: usage.entries, bytes: usage.bytes, limit: cache.limit() }))
}

fn data() -> Data {
    let places = Places::from_env(None);
    let searched =
        places.dirs().map(|(dir, from)| Searched { dir: dir.to_owned(), from, exists: dir.is_dir() });
    let is_here = |entry: &&vae_data::Entry| match entry.reader {
        Reader::Unsupported => false,
        Reader::Strokes => true,
        _ => places.find(entry).0.is_some(),
    };
    let available = registry().sets.iter().filter(is_here).map(|entry| entry.name.clone()).collect();
    Data { places: searched.collect(), available }
}

/// The file of a library that this process has loaded.
fn loaded(name: &str) -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let path = PathBuf::from(line.get(line.find('/')?..)?);
        path.file_name()?.to_string_lossy().starts_with(name).then_some(path)
    })
}

fn memory_available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

/// What is to be known of bfloat16 where it is there.
fn slow(libtorch: &Libtorch) -> &'static str {
    match libtorch.precision.contains(&Precision::Bf16.name()) && !libtorch.bf16_is_faster {
        true => " (slower than f32 here: no AMX)",
        false => "",
    }
}

fn text(answer: &Answer) -> String {
    let Answer { libtorch, gpu, data, .. } = answer;
    let size = |bytes: u64| ByteSize(bytes).display().si().to_string();
    let unknown = || String::from("unknown");
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let path = |path: &PathBuf| path.display().to_string();
    let mut rows = vec![
        row("vae", answer.version.into()),
        row("libtorch", libtorch.loaded.as_ref().map_or_else(unknown, path)),
        row(
            "products",
            format!("{}; {}{}", libtorch.matmul.join(", "), libtorch.precision.join(", "), slow(libtorch)),
        ),
        row("CPU", answer.cpu.clone().unwrap_or_else(unknown)),
        row("threads", format!("{} unless --threads says otherwise", answer.cores)),
        row("memory", answer.memory_available.map_or_else(unknown, |bytes| format!("{} free", size(bytes)))),
    ];
    rows.push(row(
        "GPU",
        gpu.name.clone().unwrap_or_else(|| "none that libtorch can use (--json says why)".into()),
    ));
    for place in &data.places {
        let state = if place.exists { "" } else { ", not there yet" };
        rows.push(row("data", format!("{} ({}{state})", path(&place.dir), place.from)));
    }
    rows.push(row("data sets", data.available.join(", ")));
    rows.push(row(
        "cache",
        match &answer.cache {
            None => "no place for one; set VAE_CACHE_DIR to a folder".into(),
            Some(cache) if cache.limit == 0 => format!("{}, switched off", path(&cache.dir)),
            Some(cache) => format!(
                "{}: {}, {} of {}",
                path(&cache.dir),
                counted(cache.phases, "phase"),
                size(cache.bytes),
                size(cache.limit)
            ),
        },
    ));
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loaded_library_is_found_by_its_name() {
        assert!(loaded("no-such-library").is_none());
        #[cfg(target_os = "linux")]
        assert!(loaded("libc").is_some_and(|path| path.is_absolute()));
    }
}
