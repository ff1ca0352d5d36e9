//! Files of other programs, told by how they begin: each is refused with what to do, and not read
//! as a table of strange text.

use crate::read::columnar::Columnar;

/// What is wrong with a file that begins with `start` and has this lower-case name, where it is one
/// of a known kind that is not read.
pub(crate) fn problem(name: &str, start: &[u8]) -> Option<&'static str> {
    let is = |magic: &[u8]| start.starts_with(magic);
    Some(match () {
        () if is(b"\x89HDF") => "is an HDF5 file, which is not read; save its arrays as NPY or NPZ",
        () if is(b"\xd0\xcf\x11\xe0\xa1\xb1") => {
            "is a workbook of Excel (xls) or another old Office file, which is not read; save the sheet as CSV"
        }
        () if Columnar::of_start(start).is_some() => {
            "is a Parquet or Arrow file within a compressed one; unpack it and give what it holds"
        }
        () if is(b"FEA1") => {
            "is a Feather file of version 1, which is not read; save it as CSV, in Python: \
             pandas.read_feather(file).to_csv(\"data.csv\", index=False)"
        }
        () if is(b"SQLite") => "is an SQLite database, which is not read; export a query of it as CSV",
        () if is(b"RDX2\n") || is(b"RDX3\n") => {
            "is an R data file, which is not read; in R: write.csv(x, \"data.csv\", row.names = FALSE)"
        }
        () if is(b"\x80\x02") || is(b"\x80\x03") || is(b"\x80\x04") || is(b"\x80\x05") => {
            "looks like a Python pickle, which is not read, as it can run programs; save the array with numpy.save, or a data \
             frame with to_csv"
        }
        () if is(b"%PDF") => "is a PDF document, which is not read; give the data as CSV",
        () if name.ends_with(".tar") || name.ends_with(".tgz") => {
            "is an archive; unpack it (tar -xf) and give what it holds"
        }
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_remedy_and_tables_are_none() {
        for (start, part) in [
            (&b"\x89HDF\r\n"[..], "save its arrays as NPY"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "save the sheet as CSV"),
            (b"FEA1", "to_csv"),
            (b"SQLite", "export"),
            (b"RDX3\n", "write.csv"),
            (b"\x80\x04\x95", "numpy.save"),
            (b"%PDF-1", "CSV"),
        ] {
            assert!(problem("x", start).is_some_and(|text| text.contains(part)), "{part}");
        }
        assert!(problem("a.tar", b"b.csv\0").is_some_and(|text| text.contains("tar -xf")));
        assert_eq!(problem("a.csv", b"a,b\n1,"), None);
    }
}
