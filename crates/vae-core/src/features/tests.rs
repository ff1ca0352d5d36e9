//! Of features in memory and in files.

use super::*;
use ndarray::array;
use tch::{Device, Tensor};
use vae_array::Column;

fn csr() -> Csr {
    Csr { indptr: vec![0, 2, 2, 3], indices: vec![0, 2, 1], values: vec![1.0, 2.0, 3.0], n_columns: 3 }
}

#[test]
fn refuses_what_is_not_finite_by_row_and_column() {
    let x = array![[0.0f32, 1.0], [2.0, f32::NAN]];
    let e = Features::dense(x).expect_err("NaN").to_string();
    assert!(e.contains("row 1, column 1"), "{e}");
}

#[test]
fn a_missing_category_is_one_cell() {
    let nan = f32::NAN;
    let schema =
        Schema { named: true, columns: vec![Column::category("c", ["x", "y"]), Column::number("a")] };
    let x = array![[nan, nan, 1.0f32], [nan, nan, nan], [0.0, 1.0, 2.0]];
    assert_eq!(Features::table(x.clone(), Some(schema)).expect("valid").n_missing(), 3);
    assert_eq!(Features::table(x, None).expect("valid").n_missing(), 5);
}

#[test]
fn levels_are_those_of_the_rows_that_have_one() {
    let nan = f32::NAN;
    let columns = vec![Column::number("a"), Column::category("c", ["x", "y", "z"])];
    let x = array![[1.0f32, 0.0, 0.0, 1.0], [nan, 1.0, 0.0, 0.0], [2.0, nan, nan, nan]];
    let table = Features::table(x, Some(Schema { named: true, columns })).expect("valid");
    let filled =
        table.filled(|mut row| row.mapv_inplace(|v| if v.is_nan() { 0.5 } else { v })).expect("filled");
    assert_eq!(filled.levels(&(1..4)), [Some(2), Some(0), None]);
    assert!(filled.is_gap(1, 0) && filled.is_gap(2, 3) && !filled.is_gap(0, 0));
}

#[test]
fn filled_values_are_known_as_gaps() {
    let table = Features::table(array![[0.0f32, f32::NAN], [2.0, 3.0]], None).expect("valid");
    assert!(table.has_gaps() && table.gaps().is_empty());
    let filled = table.filled(|mut row| row[1] = 1.0).expect("filled");
    assert_eq!((filled.gaps(), filled.n_missing(), filled.has_gaps()), (&[1usize][..], 0, true));
    // The same values, all of them there, are other data.
    let whole = Features::dense(array![[0.0f32, 1.0], [2.0, 3.0]]).expect("valid");
    assert_ne!(filled.sha256(), whole.sha256());
    assert!(table.filled(|_| ()).is_err());
    let rows = Resident::new(&filled, Device::Cpu).expect("resident");
    let index = Tensor::from_slice(&[1i64, 0]);
    let targets = rows.gather_targets(&index).expect("gather").expect("gaps");
    assert_eq!(Vec::<bool>::try_from(targets.isnan().view(-1)).expect("four"), [false, false, false, true]);
    assert_eq!(rows.gather(&index).expect("gather").double_value(&[1, 1]), 1.0);
    let whole = Resident::new(&whole, Device::Cpu).expect("resident");
    assert!(whole.gather_targets(&index).expect("gather").is_none());
}

#[test]
fn refuses_empty_and_contradictory_input() {
    assert!(Features::dense(Array2::zeros((0, 3))).is_err());
    assert!(Features::sparse(Csr { indices: vec![0, 3, 1], ..csr() }).is_err());
    assert!(Features::sparse(Csr { indptr: vec![0, 3, 2, 3], ..csr() }).is_err());
    let image = ImageShape { channels: 1, height: 2, width: 2 };
    assert!(Features::dense(array![[1.0f32, 2.0]]).and_then(|f| f.with_image(image)).is_err());
}

#[test]
fn sparse_batches_equal_dense_ones() {
    let dense = array![[1.0f32, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0]];
    let sparse = Features::sparse(csr()).expect("valid");
    assert_eq!(sparse.dense_rows(0, 3), dense);
    let dense = Features::dense(dense).expect("valid");
    let index = Tensor::from_slice(&[2i64, 0]);
    let a = Resident::new(&sparse, Device::Cpu).and_then(|r| r.gather(&index)).expect("gather");
    let b = Resident::new(&dense, Device::Cpu).and_then(|r| r.gather(&index)).expect("gather");
    assert!(a.equal(&b));
}

#[test]
fn distinct_rows_are_counted_up_to_the_limit() {
    let x = Features::dense(array![[0.0f32, 1.0], [-0.0, 1.0], [2.0, 1.0], [3.0, 1.0]]).expect("valid");
    assert_eq!(x.distinct_rows_up_to(10), 3);
    assert_eq!(x.distinct_rows_up_to(2), 2);
}

#[test]
fn the_checksum_depends_on_values_kind_and_shape() {
    let flat = || Features::dense(array![[1.0f32, 2.0, 0.0, 3.0]]).expect("valid");
    let image = |height, width| {
        let shape = ImageShape { channels: 1, height, width };
        flat().with_image(shape).expect("four values").sha256().to_string()
    };
    let all = [
        flat().sha256().to_string(),
        Features::dense(array![[1.0f32, 2.0], [0.0, 3.0]]).expect("valid").sha256().to_string(),
        Features::dense(array![[1.0f32, 2.5, 0.0, 3.0]]).expect("valid").sha256().to_string(),
        image(2, 2),
        image(1, 4),
        image(4, 1),
    ];
    let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    // Set after a look at the hash.
    let features = flat();
    let before = features.sha256().to_string();
    let after = features.with_image(ImageShape { channels: 1, height: 2, width: 2 }).expect("fits");
    assert_ne!(after.sha256(), before);
}

/// The rows of `x` in a file.
fn in_a_file(dir: &std::path::Path, x: &Array2<f32>, schema: Option<Schema>) -> Features {
    let mut out = Mapped::begin(dir, x.ncols()).expect("file");
    x.rows().into_iter().for_each(|row| out.push(row.insert_axis(Axis(0))).expect("written"));
    Features::mapped(out.finish().expect("mapped"), schema).expect("valid")
}

#[test]
fn features_in_a_file_are_those_in_memory() {
    let dir = tempfile::tempdir().expect("folder");
    let x = Array2::from_shape_fn((50, 3), |(i, j)| (i * 3 + j) as f32 / 7.0);
    let (memory, file) = (Features::dense(x.clone()).expect("valid"), in_a_file(dir.path(), &x, None));
    assert!(file.as_mapped().is_some() && memory.as_mapped().is_none());
    assert_eq!((file.n(), file.dim(), file.range()), (memory.n(), memory.dim(), memory.range()));
    assert_eq!(file.sha256(), memory.sha256());
    assert_eq!(file.dense_rows(7, 9), memory.dense_rows(7, 9));
    let halved = |of: &Features| of.changed(|mut row| row.mapv_inplace(|v| v / 2.0)).expect("changed");
    assert!(halved(&file).as_mapped().is_some());
    assert_eq!(halved(&file).as_dense(), halved(&memory).as_dense());
    let index = Tensor::from_slice(&[49i64, 0, 7]);
    let batch = |of: &Features| {
        let resident = Resident::new(of, Device::Cpu).expect("resident");
        (resident.gather(&index).expect("gather"), resident.rows(3, 8).expect("rows"))
    };
    let ((a, b), (c, d)) = (batch(&file), batch(&memory));
    assert!(a.equal(&c) && b.equal(&d));
}

#[test]
fn gaps_in_a_file_are_those_in_memory() {
    let dir = tempfile::tempdir().expect("folder");
    let schema = Schema { named: true, columns: vec![Column::number("a"), Column::number("b")] };
    let x = array![[0.0f32, f32::NAN], [2.0, 3.0], [f32::NAN, f32::NAN]];
    let memory = Features::table(x.clone(), Some(schema.clone())).expect("valid");
    let file = in_a_file(dir.path(), &x, Some(schema));
    let filled = |of: &Features| {
        of.filled(|mut row| row.mapv_inplace(|v| if v.is_nan() { 9.0 } else { v })).expect("filled")
    };
    let (memory, file) = (filled(&memory), filled(&file));
    assert_eq!((file.gaps(), file.sha256()), (memory.gaps(), memory.sha256()));
    let index = Tensor::from_slice(&[2i64, 0]);
    let targets = |of: &Features| {
        let resident = Resident::new(of, Device::Cpu).expect("resident");
        let gathered = resident.gather_targets(&index).expect("gather").expect("gaps");
        Tensor::cat(&[gathered, resident.target_rows(0, 3).expect("rows")], 0).nan_to_num(-1.0, None, None)
    };
    assert!(targets(&file).equal(&targets(&memory)));
    assert!(
        Features::mapped(
            {
                let mut out = Mapped::begin(dir.path(), 2).expect("file");
                out.push(x.view()).expect("written");
                out.finish().expect("mapped")
            },
            None
        )
        .is_err()
    );
}

#[test]
fn selected_rows_keep_what_is_known_of_them() {
    let schema = Schema { named: true, columns: vec![Column::number("a"), Column::number("b")] };
    let x = array![[0.0f32, f32::NAN], [2.0, 3.0], [f32::NAN, f32::NAN], [5.0, 6.0]];
    let table = Features::table(x, Some(schema.clone())).expect("valid");
    let filled = table.filled(|mut row| row.mapv_inplace(|v| if v.is_nan() { 9.0 } else { v }));
    let chosen = filled.expect("filled").select(&[2, 3, 0]).expect("rows");
    assert_eq!(chosen.as_dense().expect("dense"), array![[9.0f32, 9.0], [5.0, 6.0], [0.0, 9.0]]);
    assert_eq!((chosen.gaps(), chosen.schema()), (&[0usize, 1, 5][..], Some(&schema)));
    let sparse = Features::sparse(csr()).expect("valid").select(&[2, 0]).expect("rows");
    assert_eq!(sparse.dense_rows(0, 2), array![[0.0f32, 3.0, 0.0], [1.0, 0.0, 2.0]]);
    assert!(table.select(&[]).is_err());
}
