//! Layers of configuration, their origins, and their mistakes.

use vae_models::registry::{METHODS, presets};
use vae_models::registry::{PROFILES, Resolved, Selection, resolve};

fn select(method: &str) -> Selection {
    Selection { method: Some(method.into()), n_clusters: Some(3), ..Selection::default() }
}

fn setting(resolved: &Resolved, path: &str) -> (String, String) {
    let found = resolved.with_origins().into_iter().find(|(p, _, _)| p == path);
    let (_, value, origin) = found.expect("the setting exists");
    (value, origin)
}

#[test]
fn every_preset_resolves_in_every_profile_and_builds() {
    for preset in presets() {
        for profile in PROFILES {
            let selection = Selection {
                preset: Some(preset.name.into()),
                profile: profile.into(),
                ..Selection::default()
            };
            let resolved = resolve(&selection).unwrap_or_else(|e| panic!("{} {profile}: {e}", preset.name));
            assert_eq!(resolved.method.name, preset.method);
            assert!(resolved.build().is_ok());
            // What is written into a run folder says the same when it is read back, also where it
            // differs from defaults.
            let file = Some(("config.toml".into(), resolved.to_toml()));
            let again = resolve(&Selection { file, ..Selection::default() }).expect("what was written");
            assert_eq!(resolved.table(), again.table(), "{} {profile}", preset.name);
        }
    }
}

#[test]
fn the_defaults_of_every_method_need_only_the_number_of_clusters() {
    for method in METHODS {
        assert!(resolve(&select(method.name)).is_ok(), "{}", method.name);
        let without = Selection { method: Some(method.name.into()), ..Selection::default() };
        let resolved = resolve(&without);
        if ["auto", "spectral"].contains(&method.name) {
            assert!(resolved.is_ok(), "{} estimates the number of clusters", method.name);
            continue;
        }
        let e = resolved.expect_err("no number of clusters").to_string();
        assert!(e.contains("n_clusters") && e.contains("--clusters"), "{e}");
    }
}

#[test]
fn later_layers_win_and_say_so() {
    let selection = Selection {
        preset: Some("vade/mnist".into()),
        profile: "paper".into(),
        file: Some(("my.toml".into(), "[train]\nlr = 0.5\nepochs = 7\n".into())),
        set: vec!["train.epochs=9".into(), "likelihood=gaussian".into()],
        n_clusters: Some(4),
        ..Selection::default()
    };
    let resolved = resolve(&selection).expect("valid");
    assert_eq!(setting(&resolved, "train.lr"), ("0.5".into(), "my.toml".into()));
    assert_eq!(setting(&resolved, "train.epochs"), ("9".into(), "--set train.epochs=9".into()));
    assert_eq!(setting(&resolved, "likelihood").0, "\"gaussian\"");
    assert_eq!(setting(&resolved, "n_clusters"), ("4".into(), "--clusters".into()));
    assert_eq!(
        setting(&resolved, "train.batch_size"),
        ("100".into(), "preset vade/mnist, profile paper".into())
    );
    assert_eq!(setting(&resolved, "prior_lr").1, "preset vade/mnist");
    assert_eq!(setting(&resolved, "train.weight_decay").1, "presets of vade");
}

#[test]
fn an_unknown_key_is_shown_with_its_line_and_a_caret() {
    let text = "method = \"vade\"\nn_clusters = 3\n\n[train]\nepohcs = 3\n";
    let selection = Selection { file: Some(("my.toml".into(), text.into())), ..Selection::default() };
    let e = resolve(&selection).expect_err("a typing mistake").to_string();
    for part in ["my.toml", "line 5", "epohcs", "^", "epochs"] {
        assert!(e.contains(part), "no {part} in {e}");
    }
    let selection = Selection { set: vec!["train.epohcs=3".into()], ..select("vade") };
    let e = resolve(&selection).expect_err("a typing mistake").to_string();
    assert!(e.contains("--set train.epohcs=3") && e.contains('^'), "{e}");
}

#[test]
fn a_wrong_type_keeps_the_line_of_the_users_file() {
    // The key `method` is taken out before the check; lines must not move.
    let text = "\n  method   =  \"vade\"   # which\nn_clusters = \"three\"\n";
    let selection = Selection { file: Some(("my.toml".into(), text.into())), ..Selection::default() };
    let e = resolve(&selection).expect_err("a text").to_string();
    assert!(e.contains("line 3"), "{e}");
}

#[test]
fn contradicting_methods_are_refused() {
    let selection = Selection { preset: Some("vade/mnist".into()), ..select("gmm") };
    let e = resolve(&selection).expect_err("two methods").to_string();
    assert!(e.contains("vade") && e.contains("gmm"), "{e}");
    assert!(resolve(&Selection::default()).is_err_and(|e| e.to_string().contains("--method")));
    assert!(resolve(&select("vda")).is_err_and(|e| e.to_string().contains("vade")));
    let preset = Selection { preset: Some("vade/mnits".into()), ..Selection::default() };
    assert!(resolve(&preset).is_err_and(|e| e.to_string().contains("vade/mnist")));
}

/// By the whole path of the key: several tables of one configuration have an `lr`.
#[test]
fn values_out_of_range_are_named() {
    let graph = "init.kind=graph";
    let cases: &[(&str, &[&str], &str)] = &[
        ("vade", &["train.batch_size=0"], "train.batch_size"),
        ("vade", &["pretrain.train.lr=-1.0"], "pretrain.train.lr"),
        ("vade", &["pretrain.input_mask=1.0"], "pretrain.input_mask"),
        ("vade", &["net.latent_dim=0"], "net.latent_dim"),
        ("vade", &["net.hidden=[5, 0]"], "net.hidden[1]"),
        ("vade", &["prior_lr=0.0"], "prior_lr"),
        ("vade", &["likelihood_variance=0.0", "likelihood=gaussian"], "likelihood_variance"),
        ("vade", &["init.codes.n_init=0"], "init.codes.n_init"),
        ("vade", &[graph, "init.partition.scale_neighbor=0"], "init.partition.scale_neighbor"),
        ("vade", &[graph, "init.siamese.margin=0.0"], "init.siamese.margin"),
        ("vade", &[graph, "init.siamese.train.lr=0.0"], "init.siamese.train.lr"),
        ("dgg", &["siamese.n_positives=0", "graph.space=siamese"], "siamese.n_positives"),
        ("dgg", &["graph.neighbors.choice=random", "graph.neighbors.pool=1"], "graph.neighbors.pool"),
        ("dgg", &["classifier.train.lr_floor=-1.0"], "classifier.train.lr_floor"),
        ("dec", &["codes.tol=-1.0"], "codes.tol"),
        ("imsat", &["train.momentum=7.0"], "train.momentum"),
        ("ltvae", &["init.partition.n_init=0", graph], "init.partition.n_init"),
        ("ltvae", &["search.climb.em_steps=0"], "search.climb.em_steps"),
        ("spectralnet", &["siamese_net.hidden=[0]"], "siamese_net.hidden[0]"),
        ("spectralnet", &["siamese.start=encoder"], "siamese.start"),
        ("spectralnet", &["kmeans.n_init=0"], "kmeans.n_init"),
        ("kmeans", &["kmeans.max_iter=0"], "kmeans.max_iter"),
        ("gmm", &["gmm.reg_covar=-1.0"], "gmm.reg_covar"),
        ("ae-spectral", &["codes.n_neighbors=0"], "codes.n_neighbors"),
        ("vae-cluster", &["net.hidden=[0]"], "net.hidden[0]"),
        ("vae-cluster", &["graph_start.hold_share=0.0"], "graph_start.hold_share"),
        ("conv-vae", &["graph_start.partition.n_init=0"], "graph_start.partition.n_init"),
        ("conv-vae", &["graph_start.siamese_net.latent_dim=0"], "graph_start.siamese_net.latent_dim"),
        ("conv-vae", &["graph_start.siamese.start=encoder"], "graph_start.siamese.start"),
        ("gmvae", &["net.latent_dim=0"], "net.latent_dim"),
        ("gmvae-m2", &["train.lr_decay_factor=0.0"], "train.lr_decay_factor"),
    ];
    for (method, set, key) in cases {
        let set = set.iter().map(|s| (*s).to_string()).collect();
        let error = resolve(&Selection { set, ..select(method) }).expect_err(key).to_string();
        assert!(error.contains(&format!("`{key}` is ")), "{method}: {error}");
    }
    assert!(resolve(&Selection { set: vec!["train.lr_schedule=step".into()], ..select("vade") }).is_ok());
}

#[test]
fn the_hash_depends_on_the_settings_and_not_on_how_they_were_given() {
    let base = resolve(&select("vade")).expect("valid");
    let same = resolve(&Selection { set: vec!["n_clusters=3".into()], n_clusters: None, ..select("vade") });
    assert_eq!(base.sha256(), same.expect("valid").sha256());
    let from_file = Selection { file: Some(("c.toml".into(), base.to_toml())), ..Selection::default() };
    assert_eq!(base.sha256(), resolve(&from_file).expect("valid").sha256());
    for set in ["train.lr=1e-4", "train.min_updates=0", "init.log_var=glorot"] {
        let other = resolve(&Selection { set: vec![set.into()], ..select("vade") }).expect("valid");
        assert_ne!(base.sha256(), other.sha256(), "{set}");
    }
    let another_method = resolve(&select("ae-gmm")).expect("valid");
    assert_ne!(base.sha256(), another_method.sha256());
}

/// The hash of a run that is recorded under `results/`: settings that are younger than it stand at
/// their neutral values, and no setting has been renamed since.
#[test]
fn a_recorded_configuration_has_the_hash_it_had() {
    let of = |preset: &str| {
        let selection = Selection { preset: Some(preset.into()), ..Selection::default() };
        resolve(&selection).expect("valid").sha256().to_string()
    };
    assert_eq!(of("kmeans/mnist"), "736444595f60a0ff340b7edd70a447240e17604f84571e15933c0a1d97c99c95");
    assert_eq!(of("dgg/mnist"), "2699b9b3e5c6e150cdc890c610b5b2f75623985eeca6abeddcdfc147634a3e2e");
}

/// What a new default must not change: every setting of a preset is written down.
#[test]
fn presets_leave_nothing_to_the_defaults() {
    let mut open = Vec::new();
    for preset in presets() {
        for profile in PROFILES {
            let (preset, profile) = (Some(preset.name.to_string()), profile.to_string());
            let resolved = resolve(&Selection { preset, profile, ..Selection::default() }).expect("valid");
            let name = resolved.preset.clone().unwrap_or_default();
            open.extend(resolved.defaults().into_iter().map(|key| format!("{name}: {key}")));
        }
    }
    open.sort();
    open.dedup();
    assert!(open.is_empty(), "write these settings into the presets:\n{}", open.join("\n"));
}

#[test]
fn a_partly_given_optional_table_begins_with_its_own_defaults() {
    // The Siamese network's training has other defaults than trainings in general.
    let whole = Selection { set: vec!["graph.space=siamese".into()], ..select("dgg") };
    let part = Selection {
        set: vec!["graph.space=siamese".into(), "siamese.train.epochs=3".into()],
        ..select("dgg")
    };
    let (whole, part) = (resolve(&whole).expect("valid"), resolve(&part).expect("valid"));
    for path in
        ["siamese.train.lr", "siamese.train.lr_schedule", "siamese.train.weight_decay", "siamese.margin"]
    {
        assert_eq!(setting(&whole, path), setting(&part, path));
        assert_eq!(setting(&part, path).1, "default");
    }
    assert_eq!(setting(&part, "siamese.train.epochs"), ("3".into(), "--set siamese.train.epochs=3".into()));
    // Absent where nothing needs it.
    let plain = resolve(&select("dgg")).expect("valid");
    assert!(plain.with_origins().iter().all(|(path, _, _)| !path.starts_with("siamese")));
}

#[test]
fn a_known_set_says_how_many_clusters_where_nothing_else_does() {
    let known = Selection { n_classes: Some(7), n_clusters: None, ..select("vade") };
    let n_clusters = |selection: &Selection| {
        let all = resolve(selection).expect("valid").with_origins();
        let found = all.into_iter().find(|(key, _, _)| key == "n_clusters").expect("a key");
        (found.1, found.2)
    };
    assert_eq!(n_clusters(&known), ("7".into(), "classes of the data set".into()));
    let preset = Selection { preset: Some("vade/mnist".into()), ..known.clone() };
    assert_eq!(n_clusters(&preset), ("10".into(), "preset vade/mnist".into()));
    let said = Selection { n_clusters: Some(4), ..known };
    assert_eq!(n_clusters(&said), ("4".into(), "--clusters".into()));
}

#[test]
fn a_table_of_another_start_is_dropped_where_a_preset_left_it_and_refused_where_it_was_given() {
    let ltvae = |preset: bool, set: &[&str]| {
        let (method, preset) = (Some("ltvae".into()), preset.then(|| "ltvae/mnist".to_string()));
        let set = set.iter().map(ToString::to_string).collect();
        resolve(&Selection { method, preset, set, n_clusters: Some(10), ..Selection::default() })
    };
    let kmeans = ltvae(true, &["init.kind=kmeans"]).expect("a setting changes the preset's kind");
    assert!(kmeans.with_origins().iter().all(|(path, _, _)| !path.starts_with("init.partition")));
    for (preset, given) in [
        (false, "init.partition.n_init=3"),
        (true, "init.partition.n_init=3"),
        (true, "init.siamese.margin=2.0"),
        (false, "init.partition={}"),
    ] {
        let e = ltvae(preset, &[given, "init.kind=kmeans"]).expect_err("nothing is partitioned").to_string();
        let table = given.split(['.', '=']).take(2).collect::<Vec<_>>().join(".");
        assert!(e.contains(&format!("`{table}`")) && e.contains("init.kind is \"graph\""), "{e}");
        assert!(given.ends_with("{}") || e.contains(&format!("--set {given}")), "{e}");
    }
    ltvae(false, &["init.partition.n_init=3"]).expect("the default kind is graph");
}

#[test]
fn a_training_without_epochs_is_refused_wherever_one_is_set() {
    for method in METHODS {
        for (path, _, _) in resolve(&select(method.name)).expect("defaults").with_origins() {
            if path == "train.epochs" || path.ends_with(".train.epochs") {
                let set = vec![format!("{path}=0")];
                let e =
                    resolve(&Selection { set, ..select(method.name) }).expect_err("no epochs").to_string();
                assert!(e.contains(&format!("`{path}` is 0")), "{}: {e}", method.name);
            }
        }
    }
}
