use super::program::{Found, Step, long};
use super::*;
use crate::weights;
use proptest::prelude::*;
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.flatten(0, -1)).expect("f32")
}

fn refused(path: &Path) -> String {
    weights::read(path).expect_err("must be refused").to_string()
}

/// The program of a file of weights, run alone.
fn run(code: &[u8]) -> Step<Vec<(String, Rc<Found>)>> {
    Program::new(code).run()
}

fn zip(members: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("member");
        zip.write_all(bytes).expect("member");
    }
    let mut file = tempfile::NamedTempFile::new().expect("file");
    file.write_all(&zip.finish().expect("archive").into_inner()).expect("file");
    file
}

fn member_of(name: &str, member_name: &str) -> Vec<u8> {
    let mut archive =
        ZipArchive::new(BufReader::new(File::open(golden(name)).expect("file"))).expect("archive");
    let full = archive.file_names().find(|n| n.ends_with(member_name)).expect("member").to_owned();
    member(&mut archive, Path::new(name), &full, u64::MAX).expect("member")
}

#[test]
fn what_torch_saves_is_read() {
    let weights = weights::read(&golden("tiny.pth")).expect("sound");
    let names: Vec<&str> = weights.tensors.keys().map(String::as_str).collect();
    assert_eq!(names, ["a.weight", "b", "c"], "integers are left out");
    assert_eq!(values(&weights.tensors["a.weight"]), [1.5, -2.0, 0.25, 3.0]);
    assert_eq!(values(&weights.tensors["b"]), [1.0, 2.0]);
    assert_eq!(weights.tensors["c"].size(), [2, 3]);
    assert_eq!(values(&weights.tensors["c"]), [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    let linear = weights::read(&golden("linear.pth")).expect("sound").tensors;
    assert_eq!((values(&linear["weight"]), values(&linear["bias"])), (vec![1.5, -2.0], vec![0.5]));
}

#[test]
fn what_cannot_be_read_says_what_to_do() {
    assert!(refused(&golden("transposed.pth")).contains("not stored row by row; save it again"));
    assert!(refused(&golden("legacy.pth")).contains("what PyTorch 1.6 or later saves"));
    assert!(refused(zip(&[("a/other", b"")]).path()).contains("no data.pkl"));
    let pickle = member_of("linear.pth", "data.pkl");
    assert!(refused(zip(&[("a/data.pkl", &pickle)]).path()).contains("a/data/0"));
    let short: &[u8] = &[0; 4];
    let text = refused(zip(&[("a/data.pkl", &pickle), ("a/data/0", short), ("a/data/1", short)]).path());
    assert!(text.contains("`weight` is larger than its values"), "{text}");
}

#[test]
fn a_pickle_that_would_do_something_does_nothing() {
    // os.system("true"), as pickle writes it.
    let code = b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.";
    let text = run(code).expect_err("a call");
    assert!(text.contains("calls posix.system"), "{text}");
    assert!(run(b"\x80\x02i").expect_err("INST").contains("instruction 0x69"));
}

#[test]
fn hostile_programs_end() {
    let nested = [b")".to_vec(), vec![0x85; 100_000], b".".to_vec()].concat();
    assert!(run(&nested).expect_err("deep").contains("nested deeper"));
    // Each tuple holds the last one twice: 2^n leaves, if anything copied them.
    let mut laughs = b"K\x01q\x00".to_vec();
    for _ in 0..14 {
        laughs.extend(b"h\x00h\x00\x86q\x00");
    }
    assert!(run(&[laughs, b".".to_vec()].concat()).is_err());
    for code in
        [&b""[..], b".", b"X\xff\xff\xff\xff", b"u", b"R", b"\x87", b"(.", b"h\x05", b"}(K\x01u.", b"q\x00"]
    {
        assert!(run(code).is_err(), "{code:?}");
    }
}

#[test]
fn numbers_of_any_length() {
    assert_eq!(
        [&b""[..], b"\x01", b"\xff", b"\x00\x80\x00"].map(long),
        [Some(0), Some(1), Some(-1), Some(32768)]
    );
    assert_eq!(long(&[1; 9]), None);
}

proptest! {
    #[test]
    fn damaged_pickles_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), keep in any::<prop::sample::Index>()) {
        let mut code = member_of("tiny.pth", "data.pkl");
        let place = at.index(code.len());
        code[place] = byte;
        let _ = run(&code);
        code.truncate(keep.index(code.len()));
        let _ = run(&code);
    }

    #[test]
    fn damaged_archives_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), keep in any::<prop::sample::Index>()) {
        let mut bytes = std::fs::read(golden("tiny.pth")).expect("file");
        let place = at.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(keep.index(bytes.len()));
        let mut file = tempfile::NamedTempFile::new().expect("file");
        file.write_all(&bytes).expect("file");
        let _ = weights::read(file.path());
    }

    #[test]
    fn any_program_ends(code in prop::collection::vec(prop_oneof![
        Just(b'('), Just(b')'), Just(b't'), Just(b'}'), Just(b'u'), Just(b'R'), Just(b'Q'), Just(b'q'), Just(b'h'),
        Just(0x85), Just(0x86), Just(b'N'), Just(b'b'), any::<u8>(),
    ], 0..60)) {
        let _ = run(&code);
    }
}
