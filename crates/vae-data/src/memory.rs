//! The one place where what the readers hold grows, so that no file can take more memory than the
//! machine has.
//!
//! A compressed file holds up to a thousand times its size, and a number of one character takes
//! four bytes: the size of a file says too little about the memory it takes. So growth by `STEP` or
//! more is held against the memory that the system can give at that moment, and what does not fit
//! is an error instead of a killed process. Smaller growth is free of cost.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::path::Path;
use std::sync::Arc;

use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};

use crate::error::{Error, Result};

/// Growth below this many bytes is not checked.
const STEP: usize = 64 << 20;

/// More memory is needed than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shortage {
    needed: u64,
    available: Option<u64>,
}

impl Shortage {
    /// As the error of a file.
    pub fn at(self, path: &Path) -> Error {
        Error::TooLarge { path: path.to_owned(), needed: self.needed, available: self.available }
    }
}

/// Why a text cannot be taken: what is wrong with it, or too little memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    Text(&'static str),
    Memory(Shortage),
}

impl Problem {
    /// As the error of a line.
    pub fn at_line(self, path: &Path, line: usize) -> Error {
        match self {
            Self::Text(problem) => Error::Line { path: path.to_owned(), line, problem },
            Self::Memory(shortage) => shortage.at(path),
        }
    }

    /// As the error of a file.
    pub fn at(self, path: &Path) -> Error {
        match self {
            Self::Text(problem) => Error::format(path, problem),
            Self::Memory(shortage) => shortage.at(path),
        }
    }
}

impl From<&'static str> for Problem {
    fn from(problem: &'static str) -> Self {
        Self::Text(problem)
    }
}

impl From<Shortage> for Problem {
    fn from(shortage: Shortage) -> Self {
        Self::Memory(shortage)
    }
}

/// Makes room for `more` values, exactly so many where the vector is empty, else amortised.
pub(crate) fn reserve<T>(vec: &mut Vec<T>, more: usize) -> Result<(), Shortage> {
    let (capacity, len) = (vec.capacity(), vec.len());
    if capacity - len >= more {
        return Ok(());
    }
    // Half as much again, so that n values cost O(n) moves.
    let wanted = len.saturating_add(more).max(capacity.saturating_add(capacity / 2));
    let bytes = |count: usize| count.saturating_mul(size_of::<T>());
    // Large blocks are moved by remapping their pages, so only what is new counts.
    check(bytes(wanted) - bytes(capacity))?;
    let refused = |_| Shortage { needed: bytes(wanted) as u64, available: None };
    vec.try_reserve_exact(wanted - len).map_err(refused)
}

/// Appends a value.
pub(crate) fn push<T>(vec: &mut Vec<T>, value: T) -> Result<(), Shortage> {
    reserve(vec, 1)?;
    vec.push(value);
    Ok(())
}

/// Makes room for `more` bytes of text, amortised.
pub(crate) fn reserve_text(text: &mut String, more: usize) -> Result<(), Shortage> {
    let (capacity, len) = (text.capacity(), text.len());
    if capacity - len >= more {
        return Ok(());
    }
    let wanted = len.saturating_add(more).max(capacity.saturating_add(capacity / 2));
    check(wanted - capacity)?;
    text.try_reserve_exact(wanted - len).map_err(|_| Shortage { needed: wanted as u64, available: None })
}

/// A copy of a text.
pub(crate) fn copy_of(text: &str) -> Result<String, Shortage> {
    let mut copy = String::new();
    reserve_text(&mut copy, text.len())?;
    copy.push_str(text);
    Ok(copy)
}

/// Makes room for one more key.
pub(crate) fn reserve_key<K: Eq + Hash, V>(map: &mut HashMap<K, V>) -> Result<(), Shortage> {
    if map.len() < map.capacity() {
        return Ok(());
    }
    // A map grows to twice its size and holds the old one meanwhile; an eighth of its slots stays
    // empty.
    let bytes = map.capacity().saturating_mul(2).saturating_mul(size_of::<(K, V)>() + 1) / 7 * 8;
    check(bytes)?;
    map.try_reserve(1).map_err(|_| Shortage { needed: bytes as u64, available: None })
}

/// Makes room for one more value.
pub(crate) fn reserve_value<T: Eq + Hash>(set: &mut HashSet<T>) -> Result<(), Shortage> {
    if set.len() < set.capacity() {
        return Ok(());
    }
    // As for maps.
    let bytes = set.capacity().saturating_mul(2).saturating_mul(size_of::<T>() + 1) / 7 * 8;
    check(bytes)?;
    set.try_reserve(1).map_err(|_| Shortage { needed: bytes as u64, available: None })
}

/// Checks that `bytes` more can be had.
pub(crate) fn check(bytes: usize) -> Result<(), Shortage> {
    #[cfg(test)]
    if let Some(answer) = tests::ask_machine(bytes) {
        return answer;
    }
    if bytes < STEP {
        return Ok(());
    }
    match available() {
        // What is too small to be checked needs some memory as well.
        Some(available) if bytes.saturating_add(STEP) as u64 > available => {
            Err(Shortage { needed: bytes as u64, available: Some(available) })
        }
        _ => Ok(()),
    }
}

/// Bytes that this process can still have, where the system says so: free memory and caches, and on
/// Linux what the control group leaves.
pub fn available() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let machine = Some(system.available_memory()).filter(|bytes| *bytes > 0);
    let group = get_current_pid().ok().and_then(|pid| {
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[pid]),
            false,
            ProcessRefreshKind::nothing(),
        );
        system.process(pid)?.cgroup_limits()
    });
    // Caches count as used memory of a group and are given back on demand, so it is `rss` that
    // counts here.
    let group = group.map(|group| group.total_memory.saturating_sub(group.rss));
    machine.into_iter().chain(group).min()
}

/// Counts small allocations that no vector shows.
#[derive(Debug, Default)]
pub(crate) struct Meter(usize);

impl Meter {
    /// Some more bytes are held.
    pub fn add(&mut self, bytes: usize) -> Result<(), Shortage> {
        self.0 = self.0.saturating_add(bytes);
        if self.0 < STEP && !cfg!(test) {
            return Ok(());
        }
        check(std::mem::take(&mut self.0))
    }
}

/// Texts that occur often, each held once.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: HashSet<Arc<str>>,
    meter: Meter,
}

impl Interner {
    /// The one copy of a text.
    pub fn get(&mut self, text: &str) -> Result<Arc<str>, Shortage> {
        if let Some(known) = self.texts.get(text) {
            return Ok(Arc::clone(known));
        }
        // The text, its counts and its place in the set.
        self.meter.add(text.len() + 64)?;
        let text: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&text));
        Ok(text)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Runs something on a machine with so many bytes, of which none comes back: all growth counts,
    /// small or not.
    pub(crate) fn with_memory<T>(bytes: usize, run: impl FnOnce() -> T) -> T {
        LEFT.set(Some(bytes));
        let result = run();
        LEFT.set(None);
        result
    }

    /// The answer of that machine, where there is one.
    pub(super) fn ask_machine(bytes: usize) -> Option<Result<(), Shortage>> {
        let left = LEFT.get()?;
        Some(match left.checked_sub(bytes) {
            Some(rest) => {
                LEFT.set(Some(rest));
                Ok(())
            }
            None => Err(Shortage { needed: bytes as u64, available: Some(left as u64) }),
        })
    }

    #[test]
    fn a_vector_grows_by_half_and_is_refused_at_the_limit() {
        let mut vec = Vec::new();
        let refused = with_memory(4000, || (0..).find_map(|i: u32| push(&mut vec, i).err()));
        let Some(Shortage { needed, available: Some(left) }) = refused else { panic!("{refused:?}") };
        assert!(needed > left && vec.capacity() * 4 + left as usize == 4000, "{needed} of {left}");
        assert!(vec.len() > 600 && vec.iter().copied().eq(0..vec.len() as u32));
        let mut exact: Vec<u8> = Vec::new();
        reserve(&mut exact, 1000).expect("small");
        assert_eq!(exact.capacity(), 1000);
    }

    #[test]
    fn what_no_machine_has_is_refused_without_a_question() {
        let refused = reserve(&mut Vec::<u64>::new(), usize::MAX / 4).expect_err("absurd");
        let text = refused.at(Path::new("f")).to_string();
        assert!(text.contains("f needs") && text.contains("GiB"), "{text}");
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(available().is_none_or(|bytes| bytes > 1 << 20));
        check(STEP).expect("64 MiB");
    }

    #[test]
    fn maps_and_texts_count() {
        let mut map = HashMap::new();
        let refused = with_memory(10_000, || {
            (0..).find_map(|i: u64| reserve_key(&mut map).map(|()| map.insert(i, i)).err())
        });
        assert!(refused.is_some() && map.len() < 1000, "{}", map.len());
        let mut interner = Interner::default();
        with_memory(100, || {
            let first = interner.get("cat").expect("fits");
            assert!(Arc::ptr_eq(&first, &interner.get("cat").expect("known")));
            interner.get("a longer name of a class").expect_err("does not fit");
        });
    }
}
