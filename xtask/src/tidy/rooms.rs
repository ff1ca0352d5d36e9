//! Who imports whom inside `vae-models`.

use anyhow::{Context, Result};

use super::{Broken, Tree, imports};

/// Where the crate's sources are.
const SOURCES: &str = "crates/vae-models/src/";

/// Layers of the crate (folders, and `error.rs`), each with those it may import; no two of them
/// import each other. A layer need not exist yet.
const LAYERS: [(&str, &[&str]); 8] = [
    ("error", &[]),
    ("config", &["error"]),
    ("input", &["error"]),
    ("api", &["input", "config", "error"]),
    ("shared", &["api", "input", "error"]),
    ("pretrained", &["shared", "api", "input", "config", "error"]),
    (METHODS, &["api", "input", "config", "shared", "pretrained", "error"]),
    ("pipelines", &[METHODS, "api", "input", "config", "shared", "pretrained", "error"]),
];

/// The layer whose folders do not import each other.
const METHODS: &str = "methods";

/// The one place that knows methods by name.
const REGISTRY: &str = "registry";

/// Every import that its layer may not make.
pub fn broken(tree: &Tree) -> Result<Vec<Broken>> {
    let mut broken = Vec::new();
    for file in tree.ending_in(&[".rs"]) {
        let Some(inside) = file.strip_prefix(SOURCES) else { continue };
        let module = module_of(inside);
        let found = imports::of(&tree.text(file)?, &module).with_context(|| format!("cannot read {file}"))?;
        broken.extend(found.into_iter().filter_map(|(path, line)| {
            let sentence = refusal(&module, &path)?;
            let what = format!("it imports `{}`", path.join("::"));
            Some(Broken { file: file.to_owned(), line, sentence, what })
        }));
    }
    Ok(broken)
}

/// The module of a file below `src/`.
fn module_of(inside: &str) -> Vec<String> {
    let mut words: Vec<String> = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if words.last().is_some_and(|word| matches!(word.as_str(), "mod" | "lib")) {
        words.pop();
    }
    words
}

/// The sentence that an import of `path` in `module` breaks.
fn refusal(module: &[String], path: &[String]) -> Option<String> {
    // The crate's root sees all layers.
    let layer = module.first()?.as_str();
    let of = match path.first()?.as_str() {
        "Error" | "Result" => "error",
        other => other,
    };
    if layer == of {
        let own = |at: &[String]| at.get(1).cloned();
        return (layer == METHODS && module.len() > 1 && own(module) != own(path))
            .then(|| "a method never imports another method".to_owned());
    }
    if of == REGISTRY {
        return Some(format!("nothing imports `{REGISTRY}` but lib.rs"));
    }
    let is_layer = LAYERS.iter().any(|(name, _)| *name == of);
    if !is_layer {
        return Some(
            "inside the crate an item is named with its layer (but `crate::Error`, `crate::Result`)".into(),
        );
    }
    if layer == REGISTRY {
        return None;
    }
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return Some(format!(
            "`{layer}` is a layer that the check does not know: give it a place in {}",
            file!()
        ));
    };
    let all = || allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let none = "nothing of the crate".to_owned();
    (!allowed.contains(&of))
        .then(|| format!("`{layer}` imports {} only", if allowed.is_empty() { none } else { all() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fake;

    /// The sentences that `text` breaks as the file `inside` of the crate.
    fn sentences(inside: &str, text: &str) -> Vec<String> {
        let file = format!("{SOURCES}{inside}");
        let (_folder, tree) = fake::tree(&[(&file, text)]);
        broken(&tree).unwrap().into_iter().map(|b| b.sentence).collect()
    }

    #[test]
    fn the_place_is_named() {
        let file = format!("{SOURCES}methods/vade/net.rs");
        let (_folder, tree) =
            fake::tree(&[(&file, "use crate::api::Fit;\n\nuse crate::methods::dgg::Dgg;\n")]);
        let found = broken(&tree).unwrap();
        assert_eq!(fake::places(&found), [format!("{file}:3")]);
        assert_eq!(
            found[0].to_string(),
            format!("{file}:3: a method never imports another method: it imports `methods::dgg::Dgg`")
        );
    }

    #[test]
    fn a_method_imports_what_lies_below_and_no_other_method() {
        let below = "use crate::{Error, Result};\nuse crate::api::Fit;\nuse crate::input::Input;\n\
            use crate::config::Preset;\nuse crate::shared::mixture::Mixture;\nuse crate::pretrained::Codes;\n\
            use crate::error::Within;\nuse super::loss::kl;\nuse crate::methods::vade::VadeConfig;";
        assert!(sentences("methods/vade/fit.rs", below).is_empty());
        let other = ["a method never imports another method"];
        assert_eq!(sentences("methods/vade/fit.rs", "use crate::methods::dgg::Dgg;"), other);
        assert_eq!(sentences("methods/vade/fit.rs", "use super::super::dgg::Dgg;"), other);
        assert_eq!(sentences("methods/vade.rs", "use super::dgg::Dgg;"), other);
        assert_eq!(sentences("methods/vade/fit.rs", "use crate::methods;"), other);
    }

    #[test]
    fn tests_count_too() {
        let text = "#[cfg(test)]\nmod tests {\n    use super::*;\n    use super::super::config::A;\n}";
        assert!(sentences("methods/vade/fit.rs", text).is_empty());
        let text = text.replace("super::super::config", "crate::methods::dec");
        assert_eq!(sentences("methods/vade/fit.rs", &text).len(), 1);
    }

    #[test]
    fn each_layer_imports_the_layers_below_it_only() {
        for (at, (layer, allowed)) in LAYERS.iter().enumerate() {
            for (other_at, (other, _)) in LAYERS.iter().enumerate().filter(|(other, _)| *other != at) {
                let found = sentences(&format!("{layer}.rs"), &format!("use crate::{other}::X;"));
                assert_eq!(found.is_empty(), allowed.contains(other), "{layer} of {other}: {found:?}");
                // So that there is no cycle: what may be imported stands above in the table.
                assert!(!allowed.contains(other) || other_at < at, "{layer} of {other}");
            }
        }
    }

    #[test]
    fn only_the_root_imports_the_registry() {
        for file in
            ["methods/vade/fit.rs", "pretrained/codes.rs", "api/method.rs", "config.rs", "pipelines/auto.rs"]
        {
            let found = sentences(file, "use crate::registry::METHODS;");
            assert_eq!(found, ["nothing imports `registry` but lib.rs"], "{file}");
        }
        assert!(sentences("lib.rs", "pub use self::registry::load_model;").is_empty());
        assert!(sentences("registry/resolve.rs", "use super::Entry;\nuse crate::methods::vade;").is_empty());
    }

    #[test]
    fn items_of_the_crate_s_root_are_not_for_its_layers() {
        assert_eq!(sentences("shared/mixture.rs", "use crate::Clusterer;").len(), 1);
    }

    #[test]
    fn a_layer_that_is_not_in_the_table_is_found() {
        assert_eq!(sentences("plugins/auto.rs", "use crate::api::Fit;").len(), 1);
    }

    #[test]
    fn a_pipeline_imports_methods_and_no_method_imports_a_pipeline() {
        let below = "use crate::methods::vade::Vade;\nuse crate::methods::dgg::Dgg;\nuse crate::api::Fit;\n\
            use crate::input::Input;\nuse crate::config::Preset;\nuse crate::shared::mixture::Mixture;\n\
            use crate::pretrained::Codes;\nuse crate::Result;\nuse super::other::Other;";
        assert!(sentences("pipelines/auto.rs", below).is_empty());
        assert_eq!(sentences("methods/vade/fit.rs", "use crate::pipelines::auto::Auto;").len(), 1);
        assert_eq!(sentences("pretrained/codes.rs", "use crate::pipelines::auto::Auto;").len(), 1);
        assert!(sentences("registry.rs", "use crate::pipelines::auto::Auto;").is_empty());
    }

    #[test]
    fn other_crates_have_other_rules() {
        let (_folder, tree) = fake::tree(&[("crates/vae-core/src/a.rs", "use crate::registry::B;")]);
        assert!(broken(&tree).unwrap().is_empty());
    }
}
