//! Phases: the named pure steps of a fit.
//!
//! A phase maps (configuration, seed, input artefacts) to an [`Artefact`]. Its key is a hash of all
//! of that and of the [revisions](crate::identity) of the algorithms it uses, so methods whose
//! pretraining is configured alike share one, and an interrupted fit finds its finished phases
//! again:
//!
//! 1. in the run folder (`phases/<name>.safetensors`), else
//! 2. in the cache (`<cache>/phases/<key>.safetensors`), else
//! 3. it is computed, with checkpoints in the run folder only.
//!
//! Entries are written atomically. A lock per cache entry makes a second process wait for the first
//! one's result instead of computing it again ([`crate::cache`]).

mod facts;
mod record;
mod shared;

pub use facts::Facts;
pub use record::{Artefact, EpochRecord, PhaseRecord};

use crate::bundle;
use crate::cache::PhaseCache;
use crate::device::device_name;
use crate::fsio::sha256_hex;
use crate::identity::{Revision, Revisions, hashed_text, revisions};
use crate::interrupt::Interrupt;
use crate::matmul::Matmul;
use crate::precision::Precision;
use crate::progress::{Progress, Silent};
use crate::provenance::Provenance;
use crate::random::{self, Streams};
use crate::resources::Clock;
use crate::{Error, Result};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tch::Device;

/// What identifies a phase besides the seed, the device, the threads and the library of products.
#[derive(Debug)]
pub struct PhaseSpec<'a, C: Serialize> {
    /// For example `pretrain`. Random streams are keyed by it.
    pub name: &'a str,
    /// Those of all algorithms the phase uses, beside that of the random streams.
    pub revisions: &'a [&'a [Revision]],
    /// The resolved configuration of the phase.
    pub config: &'a C,
    /// Checksums of the inputs: data, and keys of earlier phases.
    pub inputs: &'a [&'a str],
}

/// The context of a fit besides data and configuration. It has no labels.
pub struct FitContext {
    /// The run's seed.
    pub seed: u64,
    /// Where to compute.
    pub device: Device,
    /// Threads of libtorch; part of a phase's identity, since the order of a sum depends on it.
    pub threads: usize,
    /// Of the large products of training steps.
    pub precision: Precision,
    /// The run folder; without one nothing is kept and nothing can be resumed.
    pub dir: Option<PathBuf>,
    /// The phase cache; without one nothing is shared.
    pub cache: Option<PhaseCache>,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
    /// The flag that asks for a stop.
    pub interrupt: Interrupt,
    /// The display.
    pub progress: Box<dyn Progress>,
    /// The program and the machine, for the records of phases; device, library and threads are
    /// filled in from here.
    pub provenance: Provenance,
    /// What the phase that is running has to say beside its result.
    pub facts: Facts,
}

impl std::fmt::Debug for FitContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, device, threads, dir, cache, .. } = self;
        write!(
            f,
            "FitContext {{ seed: {seed}, device: {device:?}, threads: {threads}, dir: {dir:?}, cache: {cache:?} }}"
        )
    }
}

impl<C: Serialize> PhaseSpec<'_, C> {
    fn revisions(&self) -> Revisions {
        let mut all = revisions(self.revisions);
        all.extend(revisions(&[&[random::REVISION]]));
        all
    }
}

impl FitContext {
    /// A silent fit on the CPU that keeps nothing on disk.
    pub fn in_memory(seed: u64) -> Self {
        Self {
            seed,
            device: Device::Cpu,
            threads: tch::get_num_threads().max(1) as usize,
            precision: Precision::F32,
            dir: None,
            cache: None,
            checkpoint_every: Duration::from_secs(60),
            interrupt: Interrupt::new(),
            progress: Box::new(Silent),
            provenance: Provenance::of_this_crate(),
            facts: Facts::default(),
        }
    }

    /// The provenance of the phases that are computed now.
    fn made_by(&self) -> Provenance {
        Provenance {
            device: Some(device_name(self.device)),
            matmul: Matmul::on(self.device).map(|library| library.name().into()),
            precision: self.precision.name_unless_f32().map(str::to_owned),
            threads: Some(self.threads),
            ..self.provenance.clone()
        }
    }

    /// Runs a phase, or takes its result from the run folder or the cache.
    ///
    /// # Errors
    /// What `body` returns, in the caller's own error type; [`Error::Io`] and [`Error::Corrupt`]
    /// for the files. A damaged cache entry is computed again; a damaged file of the run folder is
    /// an error, since it may be the only copy of a long computation.
    pub fn phase<C: Serialize, E: From<Error>>(
        &self,
        spec: &PhaseSpec<'_, C>,
        body: impl FnOnce(&PhaseContext<'_>) -> Result<Artefact, E>,
    ) -> Result<Artefact, E> {
        let key = self.key(spec)?;
        let own = self.dir.as_ref().map(|d| d.join("phases").join(format!("{}.safetensors", spec.name)));
        if let Some(path) = own.as_ref().filter(|p| p.exists()) {
            let artefact = load_artefact(path)?;
            if artefact.record.key == key {
                return Ok(artefact);
            }
        }
        let _lock = self.cache.as_ref().map(|cache| self.lock(cache, &key, spec.name)).transpose()?;
        let artefact = match self.cache.as_ref().and_then(|cache| shared::from_cache(cache, &key)) {
            Some(artefact) => {
                self.progress.note(&format!("{}: taken from the cache", spec.name));
                artefact
            }
            None => self.compute(spec, key, own.as_deref(), body)?,
        };
        if let Some(path) = &own {
            save_artefact(path, &artefact)?;
            let _ = fs::remove_file(checkpoint_path(path));
        }
        Ok(artefact)
    }

    fn compute<C: Serialize, E: From<Error>>(
        &self,
        spec: &PhaseSpec<'_, C>,
        key: String,
        own: Option<&Path>,
        body: impl FnOnce(&PhaseContext<'_>) -> Result<Artefact, E>,
    ) -> Result<Artefact, E> {
        let (clock, name) = (Clock::start(), spec.name);
        if let Some(folder) = own.and_then(Path::parent) {
            fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        }
        let checkpoint = own.map(checkpoint_path);
        let context = PhaseContext {
            fit: self,
            name: name.to_string(),
            key: key.clone(),
            streams: Streams::new(self.seed, name),
            checkpoint,
        };
        let outer = self.facts.take();
        let result = body(&context);
        let stated = self.facts.take();
        self.facts.restore(outer);
        let mut artefact = result?;
        let record = &mut artefact.record;
        facts::add(stated, &mut record.notes);
        record.name = name.to_string();
        record.key = key;
        record.revisions = spec.revisions();
        record.made_by = Some(self.made_by());
        // A training counts its own time, over interruptions; for other phases the time is that of
        // the call.
        if record.wall_s == 0.0 {
            (record.wall_s, record.cpu_s) = (clock.wall_s(), clock.cpu_s());
        }
        if let Some(cache) = &self.cache {
            self.share(cache, &artefact);
        }
        Ok(artefact)
    }

    fn key<C: Serialize>(&self, spec: &PhaseSpec<'_, C>) -> Result<String> {
        let text = hashed_text(&(
            (spec.name, spec.revisions(), spec.config, spec.inputs),
            (self.seed, place(self.device, Matmul::on(self.device), self.precision), self.threads),
            (env!("CARGO_PKG_VERSION"), &self.provenance.versions.libtorch, std::env::consts::ARCH),
        ))?;
        Ok(sha256_hex(text.as_bytes()))
    }
}

/// What the body of a phase may use.
#[derive(Debug)]
pub struct PhaseContext<'a> {
    /// The fit.
    pub fit: &'a FitContext,
    /// Name of the phase.
    pub name: String,
    /// Its key; checkpoints carry it.
    pub key: String,
    /// Its random streams.
    pub streams: Streams,
    /// Where checkpoints go, if anywhere.
    pub checkpoint: Option<PathBuf>,
}

/// Where and how a phase computes. The library and the precision of matrix products are named where
/// they are not the BLAS and single precision, those of the first recorded runs.
fn place(device: Device, matmul: Option<Matmul>, precision: Precision) -> String {
    let library = matmul.filter(|&library| library == Matmul::OneDnn).map(Matmul::name);
    let parts = [library, precision.name_unless_f32()].into_iter().flatten();
    parts.fold(device_name(device), |place, part| format!("{place}, {part}"))
}

fn checkpoint_path(own: &Path) -> PathBuf {
    own.with_extension("checkpoint")
}

fn save_artefact(path: &Path, artefact: &Artefact) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    bundle::save(path, &artefact.tensors, &artefact.record)
}

fn load_artefact(path: &Path) -> Result<Artefact> {
    let (tensors, record) = bundle::load(path).map_err(|e| e.remedy(bundle::MAKE_ANEW))?;
    Ok(Artefact { tensors, record })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Tensors;
    use std::cell::Cell;
    use tch::Tensor;

    fn context(root: &Path, run: &str) -> FitContext {
        let (dir, cache) = (Some(root.join(run)), Some(PhaseCache::new(&root.join("cache"), u64::MAX)));
        FitContext { dir, cache, ..FitContext::in_memory(3) }
    }

    fn run(cx: &FitContext, config: u32, calls: &Cell<u32>) -> Result<Artefact> {
        run_by(&[&[("pretraining", 1)], &[("network", 1)]], cx, config, calls)
    }

    fn run_by(
        revisions: &[&[Revision]],
        cx: &FitContext,
        config: u32,
        calls: &Cell<u32>,
    ) -> Result<Artefact> {
        let spec = PhaseSpec { name: "pretrain", revisions, config: &config, inputs: &["data"] };
        cx.phase(&spec, |phase| {
            calls.set(calls.get() + 1);
            let value = Tensor::from_slice(&[phase.streams.derived_seed("x") as i64]);
            Ok(Artefact { tensors: Tensors::from([("x".into(), value)]), ..Artefact::default() })
        })
    }

    #[test]
    fn a_phase_is_computed_once_and_shared() {
        let root = tempfile::tempdir().expect("temp dir");
        let calls = Cell::new(0);
        let a = run(&context(root.path(), "a"), 1, &calls).expect("computed");
        let again = run(&context(root.path(), "a"), 1, &calls).expect("from the folder");
        let b = run(&context(root.path(), "b"), 1, &calls).expect("from the cache");
        assert_eq!(calls.get(), 1);
        assert!(!a.record.cached && !again.record.cached && b.record.cached);
        assert!(a.tensors["x"].equal(&b.tensors["x"]));
        run(&context(root.path(), "b"), 2, &calls).expect("another configuration");
        let other_seed = FitContext { seed: 4, ..context(root.path(), "c") };
        run(&other_seed, 1, &calls).expect("another seed");
        assert_eq!(calls.get(), 3);
    }

    #[test]
    fn a_phase_is_computed_anew_when_any_algorithm_it_uses_was_changed() {
        let root = tempfile::tempdir().expect("temp dir");
        let calls = Cell::new(0);
        let all: [&[Revision]; 2] = [&[("pretraining", 1)], &[("network", 1)]];
        let first = run_by(&all, &context(root.path(), "a"), 1, &calls).expect("computed");
        let listed = [("network", 1), ("pretraining", 1), random::REVISION];
        assert_eq!(first.record.revisions, revisions(&[&listed]));
        // The order in which they are named does not count.
        run_by(&[all[1], all[0]], &context(root.path(), "b"), 1, &calls).expect("from the cache");
        assert_eq!(calls.get(), 1);
        run_by(&[&[("pretraining", 1)], &[("network", 2)]], &context(root.path(), "a"), 1, &calls)
            .expect("anew");
        assert_eq!(calls.get(), 2);
    }

    #[test]
    fn a_cached_phase_is_credited_to_what_made_it() {
        let root = tempfile::tempdir().expect("temp dir");
        let calls = Cell::new(0);
        let on = |cpu: &str, run: &str| {
            let mut cx = context(root.path(), run);
            cx.provenance.hardware.cpu = Some(cpu.into());
            cx.provenance.versions.commit = Some(format!("commit of {cpu}"));
            cx
        };
        run(&on("Abacus", "a"), 1, &calls).expect("computed");
        let cached = run(&on("Babbage", "b"), 1, &calls).expect("from the cache").record;
        let again = run(&on("Babbage", "b"), 1, &calls).expect("from the folder").record;
        assert_eq!((calls.get(), cached.cached, again.cached), (1, true, true), "no other key");
        let made_by = cached.made_by.expect("known");
        assert_eq!(again.made_by.as_ref(), Some(&made_by));
        assert_eq!(made_by.hardware.cpu.as_deref(), Some("Abacus"));
        assert_eq!(made_by.versions.commit.as_deref(), Some("commit of Abacus"));
        assert_eq!((made_by.device.as_deref(), made_by.threads), (Some("cpu"), Some(on("", "").threads)));
        assert_eq!(made_by.matmul.as_deref(), Some(Matmul::current().name()));
    }

    #[test]
    fn the_library_of_products_makes_another_phase() {
        let (f32, bf16) = (Precision::F32, Precision::Bf16);
        assert_eq!(place(Device::Cpu, Some(Matmul::Blas), f32), "cpu");
        assert_eq!(place(Device::Cpu, Some(Matmul::OneDnn), f32), "cpu, onednn");
        assert_eq!(place(Device::Cpu, Some(Matmul::OneDnn), bf16), "cpu, onednn, bf16");
        assert_eq!(place(Device::Cuda(0), Matmul::on(Device::Cuda(0)), f32), "cuda:0");
        assert_eq!(place(Device::Cuda(0), None, bf16), "cuda:0, bf16");
    }

    #[test]
    fn facts_stand_in_the_record_of_the_phase_that_stated_them() {
        let cx = FitContext::in_memory(0);
        let spec = |name| PhaseSpec { name, revisions: &[], config: &1, inputs: &[] };
        let notes = |cx: &FitContext| {
            let outer = cx.phase(&spec("outer"), |phase| {
                phase.fit.facts.state("recall", 0.9.into());
                let inner = phase.fit.phase(&spec("inner"), |phase| {
                    phase.fit.facts.state("recall", 0.5.into());
                    Ok::<_, Error>(Artefact::default())
                })?;
                assert_eq!(inner.record.notes, serde_json::json!({ "recall": [0.5] }));
                phase.fit.facts.state("recall", 0.8.into());
                let record = PhaseRecord { notes: serde_json::json!({ "k": 3 }), ..PhaseRecord::default() };
                Ok::<_, Error>(Artefact { record, ..Artefact::default() })
            });
            outer.expect("computed").record.notes
        };
        assert_eq!(notes(&cx), serde_json::json!({ "k": 3, "recall": [0.9, 0.8] }));
        assert_eq!(notes(&cx), serde_json::json!({ "k": 3, "recall": [0.9, 0.8] }), "nothing is left over");
    }

    #[test]
    fn a_damaged_cache_entry_is_computed_again_and_a_damaged_folder_is_an_error() {
        let root = tempfile::tempdir().expect("temp dir");
        let calls = Cell::new(0);
        run(&context(root.path(), "a"), 1, &calls).expect("computed");
        for entry in fs::read_dir(root.path().join("cache/phases")).expect("list") {
            let path = entry.expect("entry").path();
            if path.extension().is_some_and(|e| e == "safetensors") {
                fs::write(path, b"damaged").expect("write");
            }
        }
        run(&context(root.path(), "b"), 1, &calls).expect("computed again");
        assert_eq!(calls.get(), 2);
        fs::write(root.path().join("a/phases/pretrain.safetensors"), b"damaged").expect("write");
        let e = run(&context(root.path(), "a"), 1, &calls).expect_err("damaged");
        assert!(e.to_string().contains("pretrain.safetensors"), "{e}");
    }
}
