//! From a file to clusters and back: fit, predict, embed, sample, score, report.

mod common;

use common::{Place, Sequence, TINY, groups_csv, names};

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).expect("JSON")
}

#[test]
fn own_table_with_k_means() {
    let place = Place::new();
    place.write("my.csv", groups_csv(90));
    let fit = ["fit", "-m", "kmeans", "-d", "my.csv", "--label-column", "kind", "-k", "3", "-o", "run"];
    let said = place.ok(&fit);
    assert!(said.contains("ACC 100.00 %") && said.contains("cluster sizes 30 30 30"), "{said}");
    assert!(place.path("run/DONE").exists() && !place.path("run/phases").exists());

    let run = json(&place.read("run/run.json"));
    for key in [
        "schema",
        "profile",
        "method",
        "dataset",
        "seed",
        "n",
        "dim",
        "n_clusters",
        "fit_split",
        "metrics",
        "selection",
        "phases",
        "wall_s",
        "cpu_s",
        "peak_rss_mib",
        "threads",
        "device",
        "config_sha256",
        "data_sha256",
        "assignments_sha256",
        "revisions",
        "versions",
        "hardware",
    ] {
        assert!(run.get(key).is_some(), "run.json has no {key}");
    }
    assert_eq!(run["metrics"]["fit"]["acc"], 1.0);
    assert_eq!(
        (run["n"].as_u64(), run["dim"].as_u64(), run["n_clusters"].as_u64()),
        (Some(90), Some(3), Some(3))
    );

    // The same command finds it finished, another seed is refused by name.
    let again = place.ok(&fit);
    assert!(again.contains("nothing to do"), "{again}");
    let other = place.refused(&[&fit[..], &["--seed", "5"]].concat());
    assert!(other.contains("seed: 0 there, 5 here"), "{other}");

    place.ok(&["predict", "-m", "run", "-d", "my.csv", "--label-column", "kind", "-o", "new.csv"]);
    let assigned = String::from_utf8(place.read("run/assignments.csv")).expect("text");
    assert_eq!(String::from_utf8(place.read("new.csv")).expect("text"), assigned);
    let on_stdout = place.ok(&["predict", "-m", "run", "-d", "my.csv", "--label-column", "kind"]);
    assert_eq!(on_stdout, assigned);

    // The columns in another order, with another position of the labels.
    let turned: String = groups_csv(90)
        .lines()
        .map(|line| match line.split(',').collect::<Vec<_>>()[..] {
            [a, b, c, kind] => format!("{c},{kind},{a},{b}\n"),
            _ => panic!("four columns: {line}"),
        })
        .collect();
    place.write("turned.csv", turned);
    assert_eq!(place.ok(&["predict", "-m", "run", "-d", "turned.csv", "--label-column", "kind"]), assigned);
}

#[test]
fn own_table_with_vade() {
    let place = Place::new();
    place.write("my.csv", groups_csv(120));
    let data = ["-d", "my.csv", "--label-column", "kind"];
    let fit = [&["fit", "-m", "vade", "-k", "3", "-o", "run"][..], &data, &TINY].concat();
    place.ok(&fit);
    let expected = ["accuracy.svg", "confusion.svg", "latent.svg", "losses.svg", "sizes.svg"];
    assert_eq!(names(&place.path("run/pictures")), expected);
    let history = String::from_utf8(place.read("run/history.jsonl")).expect("text");
    let lines: Vec<_> = history.lines().map(|l| json(l.as_bytes())).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!((lines[4]["phase"].as_str(), lines[4]["epoch"].as_u64()), (Some("train"), Some(3)));
    let metrics = json(&place.read("run/metrics.json"));
    assert_eq!(metrics["curve"].as_array().map(Vec::len), Some(3));
    assert!(metrics["start"]["acc"].is_number());

    place.ok(&[&["predict", "-m", "run", "-o", "p.npy"][..], &data].concat());
    assert_eq!(place.read("p.npy"), place.read("run/assignments.npy"));
    place.ok(&[&["predict", "-m", "run", "--proba", "-o", "p.csv"][..], &data].concat());
    let text = String::from_utf8(place.read("p.csv")).expect("text");
    let first: Vec<f64> =
        text.lines().nth(1).expect("row").split(',').skip(2).map(|f| f.parse().expect("number")).collect();
    assert_eq!(first.len(), 4, "three clusters, and the outlier score");
    assert!((first[..3].iter().sum::<f64>() - 1.0).abs() < 1e-5, "{first:?}");
    place.ok(&[&["embed", "-m", "run", "-o", "z.npy"][..], &data].concat());
    assert_eq!(place.read("z.npy"), place.read("run/embedding.npy"));

    let scored = json(place.ok(&[&["score", "-m", "run", "--json"][..], &data].concat()).as_bytes());
    assert_eq!(scored["acc"], metrics["fit"]["acc"]);
    place.ok(&["sample", "-m", "run/model.safetensors", "-c", "1", "-n", "4", "-o", "s.csv"]);
    let drawn = String::from_utf8(place.read("s.csv")).expect("text");
    assert!(drawn.starts_with("cluster,a,b,c\n1,") && drawn.lines().count() == 5, "{drawn}");
    place.ok(&["sample", "-m", "run", "-n", "2", "-o", "all.csv"]);
    let drawn = String::from_utf8(place.read("all.csv")).expect("text");
    let of: Vec<&str> = drawn.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(of, ["0", "0", "1", "1", "2", "2"]);
    // What was drawn are data for the model.
    place.ok(&["score", "-m", "run", "-d", "all.csv", "--label-column", "cluster"]);
    let no_images = place.refused(&["sample", "-m", "run", "-o", "s.png"]);
    assert!(no_images.contains("not fitted on images"), "{no_images}");

    let page = place.read("run/report.html");
    std::fs::remove_file(place.path("run/report.html")).expect("remove");
    place.ok(&["report", "run"]);
    assert_eq!(place.read("run/report.html"), page);
}

#[test]
fn images_with_a_limit() {
    let place = Place::new();
    let fit = ["fit", "-p", "vade/strokes", "--limit", "150", "-o", "run"];
    place.ok(&[&fit[..], &TINY].concat());
    assert_eq!(names(&place.path("run/pictures")).len(), 9);
    let run = json(&place.read("run/run.json"));
    assert_eq!((run["n"].as_u64(), run["limit"].as_u64()), (Some(150), Some(150)));
    assert_eq!((run["preset"].as_str(), run["dataset"].as_str()), (Some("vade/strokes"), Some("strokes")));
    place.ok(&["sample", "-m", "run", "--cluster", "3", "-n", "9", "-o", "s.png"]);
    assert_eq!(place.read("s.png")[1..4], *b"PNG");
    place.ok(&["sample", "-m", "run", "-n", "2", "--seed", "4", "-o", "a.npy"]);
    place.ok(&["sample", "-m", "run", "-n", "2", "--seed", "4", "-o", "b.npy"]);
    place.ok(&["sample", "-m", "run", "-n", "2", "--seed", "5", "-o", "c.npy"]);
    assert_eq!(place.read("a.npy"), place.read("b.npy"));
    assert_ne!(place.read("a.npy"), place.read("c.npy"));
    let absent = place.refused(&["sample", "-m", "run", "--cluster", "10", "-o", "d.png"]);
    assert!(absent.contains("cluster 10 does not exist"), "{absent}");
}

#[test]
fn scores_of_two_files() {
    let place = Place::new();
    place.write("a.csv", "index,cluster\n0,1\n1,1\n2,0\n3,0\n");
    place.write("b.txt", "cat\ncat\ndog\ncat\n");
    let shown = place.ok(&["score", "--pred", "a.csv", "--labels", "b.txt"]);
    assert!(shown.contains("ACC           0.7500"), "{shown}");
    place.write("sorted.csv", "index,cluster\n2,0\n3,0\n0,1\n1,1\n");
    assert_eq!(place.ok(&["score", "--pred", "sorted.csv", "--labels", "b.txt"]), shown);
    std::fs::create_dir(place.path("run")).expect("folder");
    place.write("run/assignments.csv", "index,cluster\n0,1\n1,1\n2,0\n3,0\n");
    assert_eq!(place.ok(&["score", "--pred", "run", "--labels", "b.txt"]), shown);
    place.write("c.txt", "cat\n");
    let short = place.refused(&["score", "--pred", "a.csv", "--labels", "c.txt"]);
    assert!(short.contains("1 labels for 4 rows"), "{short}");
}

#[test]
fn scores_of_assignments_in_other_forms() {
    let place = Place::new();
    place.write("b.txt", "cat\ncat\ndog\ncat\n");
    let score = |more: &[&str]| {
        let words = [&["score", "--pred", "a.csv", "--labels", "b.txt"][..], more].concat();
        let out = place.vae(&words).output().expect("the program starts");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (text(out.stdout), text(out.stderr))
    };
    place.write("a.csv", "1\n1\n0\n0\n");
    let (of_numbers, said) = score(&[]);
    assert!(
        of_numbers.starts_with("4 samples, 2 clusters, 2 classes\n") && said.is_empty(),
        "{of_numbers}{said}"
    );
    assert_eq!(json(score(&["--json"]).0.as_bytes()).get("not_assigned"), None);
    place.write("a.csv", "1.0\n1.0\n0.0\n0.0\n");
    assert_eq!(score(&[]), (of_numbers.clone(), String::new()));

    place.write("a.csv", "index,cluster\n0,tabby\n1,tabby\n2,husky\n3,husky\n");
    let (of_names, said) = score(&[]);
    assert_eq!(of_names, of_numbers);
    assert_eq!(said, "a.csv: the 2 different names are taken as clusters: husky = 0, tabby = 1\n");

    place.write("a.csv", "1\n1\n0\n-1\n");
    let (without, _) = score(&[]);
    assert!(
        without.starts_with("3 samples, 2 clusters, 2 classes; 1 not assigned and left out\n"),
        "{without}"
    );
    let answer = json(score(&["--json"]).0.as_bytes());
    assert_eq!((&answer["not_assigned"], &answer["acc"]), (&1.into(), &1.0.into()));
    place.write("a.csv", "1\n1\n0\n0.5\n");
    let half = place.refused(&["score", "--pred", "a.csv", "--labels", "b.txt"]);
    assert!(half.contains("line 4: `0.5` is no cluster") && half.contains("-1"), "{half}");
}

#[test]
fn labels_change_no_byte_of_a_fit() {
    let place = Place::new();
    let table = groups_csv(120);
    let mut features = String::new();
    let mut labels = Vec::new();
    for line in table.lines().skip(1) {
        let (row, label) = line.rsplit_once(',').expect("a label");
        features.push_str(row);
        features.push('\n');
        labels.push(label);
    }
    place.write("x.csv", features);
    place.write("true.txt", labels.join("\n"));
    let mut random = Sequence(7);
    let mut shuffled = labels.clone();
    shuffled.sort_by_cached_key(|_| (random.next() * 1e9) as u64);
    place.write("shuffled.txt", shuffled.join("\n"));
    let fit = |labels: &[&str], out: &str| {
        let words = ["fit", "-m", "vade", "-d", "x.csv", "-k", "3", "--no-cache", "-o", out];
        place.ok(&[&words[..], labels, &TINY].concat());
    };
    fit(&["--labels", "true.txt"], "true");
    fit(&["--labels", "shuffled.txt"], "shuffled");
    fit(&[], "none");
    for name in common::PURE.into_iter().chain(["assignments.csv", "identity.json", "pictures/latent.svg"]) {
        let expected = place.read(&format!("true/{name}"));
        assert!(expected == place.read(&format!("shuffled/{name}")), "{name} depends on the labels");
        assert!(expected == place.read(&format!("none/{name}")), "{name} depends on there being labels");
    }
    let choices = |run: &str| {
        let run = json(&place.read(&format!("{run}/run.json")));
        (run["selection"].clone(), run["resolved"].clone(), run["config_sha256"].clone())
    };
    assert_eq!(choices("true"), choices("shuffled"));
    let acc =
        |run: &str| json(&place.read(&format!("{run}/metrics.json")))["fit"]["acc"].as_f64().expect("ACC");
    assert!(acc("true") > acc("shuffled"), "the shuffle is one: {} {}", acc("true"), acc("shuffled"));
    assert!(!place.path("none/metrics.json").exists());
}

#[test]
fn a_tree_gives_a_column_for_each_of_its_clusterings() {
    let place = Place::new();
    place.write("my.csv", groups_csv(120));
    let data = ["-d", "my.csv", "--label-column", "kind"];
    let tree = "structure={latents=[{n_states=3},{parent=0,n_states=2}],leaves=[{parent=0,variables=[0]},{parent=1,variables=[1,2]}]}";
    let sets = ["--set", tree, "--set", "net.latent_dim=3", "--set", "init.kind=kmeans"];
    let said = place.ok(&[&["fit", "-m", "ltvae", "-k", "3", "-o", "run"][..], &data, &TINY, &sets].concat());
    assert!(
        said.contains("2 clusterings of the same samples: Y0(3)") && said.contains("facet 1: ACC"),
        "{said}"
    );
    let written = String::from_utf8(place.read("run/facets.csv")).expect("text");
    let rows: Vec<&str> = written.lines().collect();
    assert_eq!((rows[0], rows.len()), ("index,facet0,facet1", 121));
    let assigned = String::from_utf8(place.read("run/assignments.csv")).expect("text");
    let of = |line: &str| line.split(',').nth(1).map(str::to_owned);
    assert!(rows.iter().skip(1).zip(assigned.lines().skip(1)).all(|(a, b)| of(a) == of(b)));
    let metrics = json(&place.read("run/metrics.json"));
    assert_eq!(metrics["facets"].as_array().map(Vec::len), Some(2));
    assert_eq!(metrics["facets"][0], metrics["fit"]);
    place.ok(&[&["predict", "-m", "run", "--facets", "-o", "f.csv"][..], &data].concat());
    assert_eq!(String::from_utf8(place.read("f.csv")).expect("text"), written);
    let npy = place.refused(&[&["predict", "-m", "run", "--facets", "-o", "f.npy"][..], &data].concat());
    assert!(npy.contains("--facets writes CSV"), "{npy}");

    place.ok(&[&["fit", "-m", "kmeans", "-k", "3", "-o", "one"][..], &data].concat());
    let one = place.refused(&[&["predict", "-m", "one", "--facets"][..], &data].concat());
    assert!(one.contains("one clustering; leave out --facets"), "{one}");
}

#[test]
fn every_generative_method_draws_a_grid_of_one_cluster() {
    let place = Place::new();
    for method in ["vade", "dgg", "ltvae", "vae-cluster", "conv-vae", "gmvae", "gmvae-m2"] {
        let preset = format!("{method}/strokes");
        place.ok(&["fit", "-p", &preset, "--profile", "quick", "--limit", "120", "-o", method]);
        assert!(place.path(&format!("{method}/pictures/generated.svg")).exists(), "{method}");
        place.ok(&["sample", "-m", method, "--cluster", "3", "-n", "9", "-o", "s.png"]);
        assert_eq!(place.read("s.png")[1..4], *b"PNG", "{method}");
    }
    let set = ["--set", "mode=literal", "--profile", "quick", "--limit", "120", "-o", "literal"];
    place.ok(&[&["fit", "-p", "conv-vae/strokes"][..], &set].concat());
    let nothing = place.refused(&["sample", "-m", "literal", "-o", "s.png"]);
    assert!(nothing.contains("no distribution of each cluster to sample from"), "{nothing}");
}

#[test]
fn a_run_says_its_precision_or_is_refused_where_the_processor_has_none_for_it() {
    let place = Place::new();
    let data = ["-d", "strokes", "--limit", "200", "--set", "net.hidden=[128]"];
    let fit = |precision: &str| {
        let words = ["fit", "-m", "vade", "-k", "10", "--no-cache", "-o", "run", "--precision", precision];
        let out = place.vae(&[&words[..], &data, &TINY].concat()).output().expect("it starts");
        (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let doctor = json(place.ok(&["doctor", "--json"]).as_bytes());
    let formats = doctor["libtorch"]["precision"].as_array().expect("formats");
    let is_there = formats.contains(&"bf16".into());
    let (done, said) = fit("bf16");
    assert_eq!(done, is_there, "{said}");
    if !is_there {
        let told = said.contains("cpu has no instructions for it") && said.contains("--precision auto");
        assert!(told, "{said}");
        assert!(!place.path("run").exists(), "nothing is begun");
        return;
    }
    assert!(said.contains("large products in bf16"), "{said}");
    let is_faster = doctor["libtorch"]["bf16_is_faster"] == true;
    assert_eq!(said.contains("slower than f32 on this processor"), !is_faster, "{said}");
    let run = json(&place.read("run/run.json"));
    assert_eq!(run["precision"], "bf16");
    assert!(
        run["phases"].as_array().is_some_and(|all| all.iter().all(|p| p["made_by"]["precision"] == "bf16"))
    );
    let (done, said) = fit("f32");
    assert!(!done && said.contains("precision: bf16 there, f32 here (--precision chooses)"), "{said}");
    let (done, said) = fit("auto");
    assert_eq!(done && !said.contains("epoch"), is_faster, "finished, or f32 by auto: {said}");
}

#[test]
fn a_model_is_applied_with_the_library_of_its_fit() {
    let place = Place::new();
    let data = ["-d", "strokes", "--limit", "200"];
    // Large enough for the library to count: 200 x 784 x 128 products.
    let wide = ["--set", "net.hidden=[128]"];
    for library in ["blas", "onednn"] {
        let fit = ["fit", "-m", "vade", "-k", "10", "--no-cache", "-o", library, "--matmul", library];
        let out = place.vae(&[&fit[..], &data, &TINY, &wide].concat()).output().expect("it starts");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        if library == "onednn" && said.contains("built without it") {
            println!("skipped: this libtorch has no oneDNN");
            continue;
        }
        assert!(out.status.success(), "{said}");
        let run = json(&place.read(&format!("{library}/run.json")));
        assert_eq!(
            (&run["matmul"], &run["phases"][0]["made_by"]["matmul"]),
            (&library.into(), &library.into())
        );

        let (alone, z) = (format!("{library}/model.safetensors"), format!("{library}.npy"));
        let with = |command: &str, more: &[&str]| {
            let words = [&[command, "-m", &alone][..], &data, &["--threads", "1"], more].concat();
            let out = place.vae(&words).output().expect("it starts");
            assert!(out.status.success(), "{words:?}");
            String::from_utf8_lossy(&out.stderr).into_owned()
        };
        assert_eq!(with("embed", &["-o", &z]), "", "nothing to say");
        assert_eq!(place.read(&z), place.read(&format!("{library}/embedding.npy")), "{library}");
        let other = if library == "blas" { "auto" } else { "blas" };
        let said = with("predict", &["-o", "p.csv", "--matmul", other]);
        let is_other = library == "onednn" || said.contains("onednn is used");
        assert_eq!(said.contains(&format!("fitted with {library}")), is_other, "{said}");

        let scored = |more: &[&str]| {
            let words = [&["score", "-m", &alone, "--json"][..], &data, more].concat();
            json(place.ok(&words).as_bytes())
        };
        assert_eq!(scored(&[])["matmul"], library);
        assert_eq!(scored(&["--matmul", "blas"])["matmul"], "blas");
        let said = place.vae(&["sample", "-m", &alone, "-n", "1", "-o", "s.npy", "--matmul", "blas"]);
        let said = { said }.output().expect("it starts").stderr;
        assert_eq!(said.is_empty(), library == "blas", "{}", String::from_utf8_lossy(&said));
    }
    place.write("a.csv", "index,cluster\n0,1\n1,0\n");
    place.write("b.txt", "1\n0\n");
    let of_files = json(place.ok(&["score", "--pred", "a.csv", "--labels", "b.txt", "--json"]).as_bytes());
    assert_eq!((of_files["acc"].as_f64(), of_files.get("matmul")), (Some(1.0), None));
}

#[test]
fn a_run_names_what_made_each_phase() {
    let place = Place::new();
    place.write("my.csv", groups_csv(120));
    let data = ["-d", "my.csv", "--label-column", "kind"];
    let fit = |out| place.ok(&[&["fit", "-m", "vade", "-k", "3", "-o", out][..], &data, &TINY].concat());
    fit("a");
    fit("b");
    let [a, b] = ["a", "b"].map(|run| json(&place.read(&format!("{run}/run.json"))));
    for run in [&a, &b] {
        for phase in run["phases"].as_array().expect("phases") {
            let made_by = &phase["made_by"];
            assert_eq!((&made_by["versions"], &made_by["hardware"]), (&run["versions"], &run["hardware"]));
            assert_eq!((&made_by["threads"], &made_by["device"]), (&run["threads"], &run["device"]));
        }
    }
    assert_eq!((&a["phases"][0]["cached"], &b["phases"][0]["cached"]), (&false.into(), &true.into()));
    assert!(b["versions"]["libtorch"].is_string() && b["versions"]["tch"].is_string(), "{}", b["versions"]);
    // Neither what made a run nor when is in what the run gives.
    for name in ["model.safetensors", "history.jsonl"] {
        let bytes = place.read(&format!("a/{name}"));
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("made_by") && !text.contains("rustc"), "{name}");
        assert_eq!(bytes, place.read(&format!("b/{name}")), "{name}");
    }
}
