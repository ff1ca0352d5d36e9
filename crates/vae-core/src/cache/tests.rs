//! Tests of the phase cache.

use super::*;
use tch::Tensor;

/// Keys in the order of their names.
const KEYS: [&str; 4] = ["a0", "b1", "c2", "d3"];

/// Size of the entries that [`store`] makes.
fn entry_size() -> u64 {
    let root = tempfile::tempdir().expect("temp dir");
    let cache = PhaseCache::new(root.path(), u64::MAX);
    assert!(store(&cache, KEYS[0]));
    cache.usage().expect("usage").bytes
}

/// Stores an entry as a fit does, under its lock.
fn store(cache: &PhaseCache, key: &str) -> bool {
    let _lock = cache.try_lock(key).expect("the folder can be written").expect("free");
    let tensors = Tensors::from([("x".into(), Tensor::from_slice(&[1.0f32; 1000]))]);
    cache.store(key, &tensors, &key).expect("store")
}

fn hit(cache: &PhaseCache, key: &str) -> bool {
    let _lock = cache.try_lock(key).expect("the folder can be written").expect("free");
    cache.lookup::<String>(key).is_some_and(|(_, record)| record == key)
}

/// Sets the time of the last use, `seconds` after the epoch: entries of one test are written within
/// one tick of a clock.
fn used_at(cache: &PhaseCache, key: &str, seconds: u64) {
    let file = File::options().write(true).open(cache.file(key, ENTRY)).expect("entry");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).expect("time");
}

fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = files.map(|f| f.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_least_recently_used_entries_go_first() {
    let (root, size) = (tempfile::tempdir().expect("temp dir"), entry_size());
    let cache = PhaseCache::new(root.path(), 3 * size);
    for (i, key) in KEYS[..3].iter().enumerate() {
        assert!(store(&cache, key));
        used_at(&cache, key, 100 - i as u64);
    }
    assert_eq!(cache.usage().expect("usage"), Usage { entries: 3, bytes: 3 * size });
    // The one that would go next is used, so the one before it goes, although it is older by name
    // and not by use.
    assert!(hit(&cache, "c2"));
    assert!(store(&cache, "d3"));
    assert_eq!(names(cache.folder()), ["a0.safetensors", "c2.safetensors", "d3.safetensors"]);
    // A smaller limit takes effect with the next entry, in the same order.
    used_at(&cache, "c2", 300);
    used_at(&cache, "d3", 200);
    let smaller = PhaseCache::new(root.path(), 2 * size);
    assert!(store(&smaller, "b1"));
    assert_eq!(names(cache.folder()), ["b1.safetensors", "c2.safetensors"]);
}

#[test]
fn an_entry_in_use_stays_and_the_next_one_goes() {
    let (root, size) = (tempfile::tempdir().expect("temp dir"), entry_size());
    let cache = PhaseCache::new(root.path(), 2 * size);
    for (i, key) in KEYS[..2].iter().enumerate() {
        assert!(store(&cache, key));
        used_at(&cache, key, 100 + i as u64);
    }
    let _reading = cache.try_lock("a0").expect("lock").expect("free");
    assert!(store(&cache, "c2"));
    assert_eq!(names(cache.folder()), ["a0.lock", "a0.safetensors", "c2.safetensors"]);
}

#[test]
fn an_entry_larger_than_the_limit_is_not_kept_and_drives_out_nothing() {
    let (root, size) = (tempfile::tempdir().expect("temp dir"), entry_size());
    assert!(store(&PhaseCache::new(root.path(), size), "a0"));
    let cache = PhaseCache::new(root.path(), size - 1);
    assert!(!store(&cache, "b1"));
    assert_eq!(names(cache.folder()), ["a0.safetensors"]);
    assert!(!hit(&cache, "b1") && hit(&cache, "a0"));
}

#[test]
fn storing_an_entry_anew_drives_out_nothing() {
    let (root, size) = (tempfile::tempdir().expect("temp dir"), entry_size());
    let cache = PhaseCache::new(root.path(), 2 * size);
    assert!(store(&cache, "a0") && store(&cache, "b1"));
    fs::write(cache.file("b1", ENTRY), b"damaged").expect("write");
    assert!(!hit(&cache, "b1") && store(&cache, "b1"));
    assert!(hit(&cache, "a0") && hit(&cache, "b1"));
}

#[test]
fn files_of_killed_writers_go_and_those_of_living_ones_stay() {
    let root = tempfile::tempdir().expect("temp dir");
    let cache = PhaseCache::new(root.path(), u64::MAX);
    let other_machine = cache.try_lock("b1").expect("lock").expect("free");
    let write = |name: &str| fs::write(cache.folder().join(name), b"half").expect("write");
    // Killed while it wrote, killed while it computed, killed while another one waited; the last
    // one lives.
    for name in [".a0.safetensors.17.tmp", "a0.lock", "c2.lock", ".d3.safetensors.18.tmp"] {
        write(name);
    }
    for not_ours in ["notes.lock", ".notes.safetensors.17.tmp", ".a0.safetensors.x.tmp", "notes.safetensors"]
    {
        write(not_ours);
    }
    write(".b1.safetensors.17.tmp");
    assert!(store(&cache, "d3"));
    let mut left = [
        "b1.lock",
        ".b1.safetensors.17.tmp",
        "d3.safetensors",
        "notes.lock",
        ".notes.safetensors.17.tmp",
        ".a0.safetensors.x.tmp",
        "notes.safetensors",
    ];
    left.sort_unstable();
    assert_eq!(names(cache.folder()), left);
    drop(other_machine);
    assert_eq!(cache.clear().expect("clear").removed.entries, 1);
    assert!(!names(cache.folder()).iter().any(|name| name.contains("b1") || name.contains("d3")));
}

#[test]
fn clear_leaves_what_is_in_use() {
    let (root, size) = (tempfile::tempdir().expect("temp dir"), entry_size());
    let cache = PhaseCache::new(root.path(), u64::MAX);
    fs::create_dir(root.path().join("datasets")).expect("data sets");
    assert_eq!(cache.clear().expect("nothing there"), Cleared::default());
    assert!(store(&cache, "a0") && store(&cache, "b1"));
    let _reading = cache.try_lock("b1").expect("lock").expect("free");
    let _computing = cache.try_lock("c2").expect("lock").expect("free");
    fs::write(cache.folder().join(".c2.safetensors.5.tmp"), b"half").expect("write");
    let cleared = cache.clear().expect("clear");
    assert_eq!(cleared, Cleared { removed: Usage { entries: 1, bytes: size }, in_use: 2 });
    let left = [".c2.safetensors.5.tmp", "b1.lock", "b1.safetensors", "c2.lock"];
    assert_eq!(names(cache.folder()), left);
    assert_eq!(names(root.path()), ["datasets", "phases"]);
}

#[test]
fn sizes_are_read_as_people_write_them() {
    for (text, bytes) in [
        ("20GB", DEFAULT_LIMIT),
        (" 500 MB ", 500_000_000),
        ("1.5kB", 1500),
        ("8GiB", 8 << 30),
        ("123", 123),
        ("0", 0),
    ] {
        assert_eq!(parse_limit(text).expect(text), bytes, "{text}");
    }
    for wrong in ["", "lots", "20 bananas", "-1GB", "nan", "1e3", "GB"] {
        let e = parse_limit(wrong).expect_err(wrong).to_string();
        assert!(e.contains("VAE_CACHE_MAX") && e.contains("such as 20GB"), "{e}");
    }
}
