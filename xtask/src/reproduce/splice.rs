//! Tables inside README.md, between `<!-- table: NAME -->` and `<!-- /table -->`.

use anyhow::{Context, Result, bail};

const OPEN: &str = "<!-- table: ";
const CLOSE: &str = "<!-- /table -->";

/// `text` with every marked place filled by what `table` returns for its name.
pub fn splice(text: &str, table: &dyn Fn(&str) -> Result<String>) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let line = |offset: usize| text[..text.len() - rest.len() + offset].lines().count() + 1;
        let name_at = at + OPEN.len();
        let name_len = rest[name_at..]
            .find(" -->")
            .filter(|&len| !rest[name_at..name_at + len].contains('\n'))
            .with_context(|| format!("line {}: `{OPEN}NAME -->` is not closed", line(at)))?;
        let name = &rest[name_at..name_at + name_len];
        let body_at = name_at + name_len + " -->".len();
        let Some(body_len) = rest[body_at..].find(CLOSE) else {
            bail!("line {}: the table {name} has no `{CLOSE}`", line(at));
        };
        if rest[body_at..body_at + body_len].contains(OPEN) {
            bail!("line {}: the table {name} has no `{CLOSE}` before the next table", line(at));
        }
        out += &rest[..body_at];
        out += "\n";
        out += table(name)?.trim_end();
        out += "\n";
        out += CLOSE;
        rest = &rest[body_at + body_len + CLOSE.len()..];
    }
    Ok(out + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String> {
        splice(text, &|name| Ok(format!("[{name}]\n")))
    }

    #[test]
    fn marked_places_are_filled_again_and_again() {
        let text =
            "a\n<!-- table: demo -->\nold\nold\n<!-- /table -->\nb\n<!-- table: t -->\n<!-- /table -->\n";
        let once = fill(text).unwrap();
        assert_eq!(
            once,
            "a\n<!-- table: demo -->\n[demo]\n<!-- /table -->\nb\n<!-- table: t -->\n[t]\n<!-- /table -->\n"
        );
        assert_eq!(fill(&once).unwrap(), once);
        assert_eq!(fill("no table").unwrap(), "no table");
    }

    #[test]
    fn unclosed_markers_are_told_by_line() {
        let text = fill("x\n\n<!-- table: demo -->\nold\n").unwrap_err().to_string();
        assert_eq!(text, "line 3: the table demo has no `<!-- /table -->`");
        assert!(fill("<!-- table: a -->\n<!-- table: b -->\n<!-- /table -->").is_err());
        assert!(fill("<!-- table: a\n-->").unwrap_err().to_string().starts_with("line 1"));
    }
}
