//! How a fit uses the phase cache: waiting for an entry, reading it, storing one.

use super::{Artefact, FitContext, PhaseRecord};
use crate::Result;
use crate::cache::{LIMIT_VARIABLE, PhaseCache};
use crate::lock::Lock;
use std::time::Duration;

impl FitContext {
    /// Stores a result in the cache. An error there is only noted: the result must not be lost.
    pub(super) fn share(&self, cache: &PhaseCache, artefact: &Artefact) {
        let Artefact { tensors, record } = artefact;
        let name = &record.name;
        match cache.store(&record.key, tensors, record) {
            Ok(true) => {}
            Ok(false) => self.progress.note(&format!(
                "{name}: larger than all that the phase cache may hold, not kept there; {LIMIT_VARIABLE} sets its size"
            )),
            Err(e) => self
                .progress
                .note(&format!("the phase cache could not be written, going on without it: {e}")),
        }
    }

    /// Waits for the lock of a cache entry; `None` when the cache cannot be used.
    pub(super) fn lock(&self, cache: &PhaseCache, key: &str, name: &str) -> Result<Option<Lock>> {
        let mut waits = 0;
        loop {
            match cache.try_lock(key) {
                Ok(Some(lock)) => return Ok(Some(lock)),
                Ok(None) => {}
                Err(_) => return Ok(None),
            }
            // A process that only looks for leftover files holds the lock briefly: no message at
            // the first wait.
            if waits == 1 {
                self.progress.note(&format!("{name}: another process computes this phase, waiting for it"));
            }
            waits += 1;
            self.interrupt.check()?;
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// The result `key` from the cache.
pub(super) fn from_cache(cache: &PhaseCache, key: &str) -> Option<Artefact> {
    let (tensors, mut record) = cache.lookup::<PhaseRecord>(key).filter(|(_, record)| record.key == key)?;
    record.cached = true;
    Some(Artefact { tensors, record })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::bundle::Tensors;
    use crate::phase::PhaseSpec;
    use std::cell::Cell;
    use std::fs;
    use std::path::Path;
    use tch::Tensor;

    fn context(root: &Path, run: &str) -> FitContext {
        let cache = PhaseCache::new(&root.join("cache"), u64::MAX);
        FitContext { dir: Some(root.join(run)), cache: Some(cache), ..FitContext::in_memory(3) }
    }

    fn run(cx: &FitContext, calls: &Cell<u32>) -> Result<Artefact> {
        cx.phase(&PhaseSpec { name: "pretrain", revisions: &[], config: &1, inputs: &["data"] }, |_| {
            calls.set(calls.get() + 1);
            let tensors = Tensors::from([("x".into(), Tensor::from_slice(&[1.0f32, 2.0]))]);
            Ok(Artefact { tensors, ..Artefact::default() })
        })
    }

    #[test]
    fn a_cache_that_cannot_be_written_loses_nothing() {
        let root = tempfile::tempdir().expect("temp dir");
        fs::write(root.path().join("cache"), b"no folder").expect("write");
        let calls = Cell::new(0);
        let a = run(&context(root.path(), "a"), &calls).expect("computed");
        let again = run(&context(root.path(), "a"), &calls).expect("from the folder");
        assert!(a.tensors["x"].equal(&again.tensors["x"]) && calls.get() == 1);
        let small = PhaseCache::new(&root.path().join("small"), 1);
        let cx = FitContext { cache: Some(small.clone()), ..context(root.path(), "b") };
        run(&cx, &calls).expect("computed");
        assert_eq!((calls.get(), small.usage().expect("usage").entries), (2, 0));
        assert!(root.path().join("b/phases/pretrain.safetensors").exists());
    }

    #[test]
    fn the_cache_keeps_no_lock_of_a_phase_that_is_over() {
        let root = tempfile::tempdir().expect("temp dir");
        let cx = context(root.path(), "a");
        run(&cx, &Cell::new(0)).expect("computed");
        let spec = PhaseSpec { name: "pretrain", revisions: &[], config: &2, inputs: &["data"] };
        let failed: Result<Artefact> = cx.phase(&spec, |_| Err(Error::Features("no".into())));
        assert!(failed.is_err());
        let files = fs::read_dir(root.path().join("cache/phases")).expect("list").flatten();
        let names: Vec<_> = files.map(|f| f.file_name().into_string().expect("name")).collect();
        assert!(names.len() == 1 && names[0].ends_with(".safetensors"), "{names:?}");
    }
}
