//! Tables of settings in the pages of methods: every key and every default is that of the program.

use anyhow::{Context, Result};
use serde_json::Value;

use super::page::Page;

/// A line for each setting in a table `| setting | default | … |` of `page` that is not one of
/// `config`, what `vae config --json` says of the method, or has another default.
pub fn broken(page: &Page, config: &Value) -> Result<Vec<String>> {
    let settings = config.get("config").context("`vae config --json` printed no `config`")?;
    let mut broken = Vec::new();
    for table in &page.tables {
        let Some((header, rows)) = table.split_first() else { continue };
        if !header.iter().map(String::as_str).take(2).eq(["setting", "default"]) {
            continue;
        }
        for row in rows {
            let [key, default, ..] = row.as_slice() else { continue };
            let value = key.split('.').try_fold(settings, |table, part| table.get(part));
            let problem = match value {
                None => format!("there is no setting {key}"),
                Some(value) if !is_same(&text(value), default) => {
                    format!("{key} is {}, not {default}", text(value))
                }
                Some(_) => continue,
            };
            broken.push(format!("{}: {problem}", page.file));
        }
    }
    Ok(broken)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether two spellings have one value: `1e-6` and `0.000001`, `[5,10]` and `[5, 10]`.
fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (plain(a), plain(b));
    let number = |text: &str| text.parse::<f64>().ok();
    a == b || number(&a).is_some_and(|a| number(&b) == Some(a))
}

/// Without spaces and quotation marks, which a table may set as it likes.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '"').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_and_defaults_are_those_of_the_program() {
        let train = json!({ "lr": 0.001, "kind": "a", "tol": 1e-6 });
        let config = json!({ "config": { "train": train, "hidden": [5, 10] } });
        let table = |rows: &str| {
            let text = format!("| setting | default | what |\n|---|---|---|\n{rows}");
            broken(&Page::new("m.md", &text), &config).unwrap()
        };
        assert!(
            table("| `train.lr` | 0.001 | x |\n| `hidden` | `[5, 10]` | y |\n| `train.kind` | `\"a\"` | |\n")
                .is_empty()
        );
        let wrong = table("| `train.rate` | 0.001 | x |\n| `train.lr` | 0.01 | y |\n");
        assert_eq!(wrong, ["m.md: there is no setting train.rate", "m.md: train.lr is 0.001, not 0.01"]);
        let other = Page::new("m.md", "| file | what |\n|---|---|\n| a | b |\n");
        assert!(broken(&other, &config).unwrap().is_empty());
    }
}
