//! `vae export`: what the file holds, and what is refused. That another program predicts the same
//! from it is shown by `cargo xtask exported`.

mod common;

use common::{Place, TINY, groups_csv};
use serde_json::{Value, json};

/// The description in an exported file, and the header with its tensors.
fn read(place: &Place, name: &str) -> (Value, Value) {
    let bytes = place.read(name);
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    let text = header["__metadata__"]["vae_export"].as_str().expect("a description").to_owned();
    (serde_json::from_str(&text).expect("JSON"), header)
}

#[test]
fn the_file_lists_the_steps_from_cells_to_clusters() {
    let place = Place::new();
    // A category beside the numbers, and a gap.
    place.write("my.csv", groups_csv(90).replace("kind", "colour") + "NA,1.5,2.5,red\n");
    place.ok(&[&["fit", "-m", "vade", "-k", "3", "-d", "my.csv", "-o", "run"][..], &TINY].concat());
    place.ok(&["name", "run", "2", "large ones"]);
    let said = place.ok(&["export", "run", "-o", "out.safetensors"]);
    assert!(said.contains("3 clusters") && said.contains("out.safetensors"), "{said}");
    let (export, header) = read(&place, "out.safetensors");
    assert_eq!((&export["format"], &export["version"]), (&json!("vae-export"), &json!(1)));
    assert_eq!((&export["n_clusters"], &export["input"]["dim"]), (&json!(3), &json!(6)));
    assert_eq!(export["cluster_names"], json!({ "2": "large ones" }));
    let columns = &export["input"]["table"]["columns"];
    assert_eq!(columns[0], json!({ "name": "a", "kind": { "number": { "offset": 0.0 } } }));
    assert_eq!(columns[3]["kind"]["category"]["levels"], json!(["blue", "green", "red"]));
    let steps = export["steps"].as_array().expect("steps");
    let ops: Vec<&str> = steps.iter().filter_map(|step| step["op"].as_str()).collect();
    let scaled = ops.iter().position(|op| *op == "impute").expect("a step that fills gaps");
    assert_eq!(ops[scaled + 1..], ["linear", "relu", "linear", "gaussian_mixture"]);
    let last = steps.last().expect("a step");
    assert_eq!(export["outputs"]["scores"], last["out"]);
    assert_eq!(export["outputs"]["codes"], last["in"][0]);
    assert_eq!(export["outputs"]["are_probabilities"], true);
    for step in steps {
        for name in step["tensors"].as_object().into_iter().flat_map(|tensors| tensors.values()) {
            assert!(header[name.as_str().expect("a name")]["shape"].is_array(), "no tensor {name}");
        }
    }

    assert_eq!(export["input"]["id"], Value::Null);

    // The model without its folder has no names of clusters.
    std::fs::copy(place.path("run/model.safetensors"), place.path("alone.safetensors")).expect("copied");
    place.ok(&["export", "--model", "alone.safetensors", "-o", "alone.export.safetensors"]);
    let (alone, _) = read(&place, "alone.export.safetensors");
    assert_eq!((&alone["steps"], &alone["cluster_names"]), (&export["steps"], &json!({})));
}

#[test]
fn the_column_that_names_the_rows_is_said() {
    let place = Place::new();
    place.write("my.csv", "\"who, when\",a\nx,1\ny,2\nz,9\n");
    let fit = ["fit", "-m", "kmeans", "-k", "2", "-d", "my.csv", "--id-column", "who, when", "-o", "run"];
    place.ok(&fit);
    place.ok(&["export", "run", "-o", "out.safetensors"]);
    let (export, _) = read(&place, "out.safetensors");
    assert_eq!(export["input"]["id"], "who, when");
}

#[test]
fn texts_have_their_terms() {
    let place = Place::new();
    place.write("texts.csv", "text\nred ball red\nblue sky\nred ball\nblue sky sky\n");
    let fit = ["fit", "-m", "kmeans", "-k", "2", "-d", "texts.csv", "--text-column", "text"];
    place.ok(&[&fit[..], &["-o", "run"]].concat());
    place.ok(&["export", "run", "-o", "out.safetensors"]);
    let (export, _) = read(&place, "out.safetensors");
    assert_eq!(export["input"]["documents"]["terms"], json!(["ball", "blue", "red", "sky"]));
    assert_eq!(export["input"]["documents"]["idf"].as_array().map(Vec::len), Some(4));
    assert_eq!(export["outputs"]["are_probabilities"], false);
    assert_eq!(export["steps"][0]["op"], "nearest_centre");
    assert_eq!(export["steps"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_cannot_be_exported_is_refused_with_a_reason() {
    let place = Place::new();
    place.write("my.csv", groups_csv(60));
    let fit = ["fit", "-m", "kmeans", "-d", "my.csv", "--label-column", "kind", "-k", "3", "-o", "run"];
    place.ok(&fit);
    let ending = place.refused(&["export", "run", "-o", "model.onnx"]);
    assert!(ending.contains("model.onnx should end in .safetensors"), "{ending}");
    let own = place.refused(&["export", "run", "-o", "run/model.safetensors"]);
    assert!(own.contains("would replace a file of the run"), "{own}");
    let nothing = place.refused(&["export", "nowhere", "-o", "out.safetensors"]);
    assert!(nothing.contains("nowhere does not exist"), "{nothing}");
    for (format, why) in [("torchscript", "names of columns"), ("onnx", "no writer")] {
        let out = place.vae(&["export", "run", "--format", format, "-o", "out.safetensors"]).output();
        let out = out.expect("the program starts");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("{format} cannot be written")) && said.contains(why), "{said}");
    }
    for words in [&["export", "-o", "out.safetensors"][..], &["export", "run", "-m", "run", "-o", "o"]] {
        assert_eq!(place.vae(words).output().expect("starts").status.code(), Some(2), "{words:?}");
    }
    // What was exported is no model for this program.
    place.ok(&["export", "run", "-o", "out.safetensors"]);
    let read = place.refused(&["predict", "-m", "out.safetensors", "-d", "my.csv"]);
    assert!(read.contains("export for other programs") && !read.contains("damaged"), "{read}");
}
