//! How long files are, and how wide comments.

use anyhow::Result;

use super::{Broken, Tree};

/// The most lines a source file has.
const MOST: usize = 400;

/// Files that are longer for now, with their lines. A number may only shrink, and an entry goes
/// when its file has shrunk.
pub const LONGER: [(&str, usize); 0] = [];

/// Source files with more lines than they may have, and exceptions that are none any more.
pub fn broken(tree: &Tree, longer: &[(&str, usize)]) -> Result<Vec<Broken>> {
    let sentence = || format!("no source file has more than {MOST} lines");
    let mut broken = Vec::new();
    for file in tree.ending_in(&[".rs", ".html", ".css", ".js"]) {
        let lines = tree.text(file)?.lines().count();
        let most = longer.iter().find(|(name, _)| *name == file).map_or(MOST, |(_, lines)| *lines);
        if lines > most {
            let what = format!("it has {lines}, {most} is the most here; split it by subject");
            broken.push(Broken { file: file.to_owned(), line: most + 1, sentence: sentence(), what });
        } else if most > MOST && lines < most {
            let what = match lines <= MOST {
                true => format!("it has {lines}: remove it from the exceptions in {}", file!()),
                false => format!("it has {lines}: lower its number in the exceptions in {}", file!()),
            };
            broken.push(Broken { file: file.to_owned(), line: lines, sentence: sentence(), what });
        }
    }
    for (name, _) in longer.iter().filter(|(name, _)| !tree.files.iter().any(|file| file == name)) {
        let what = format!("it is gone: remove it from the exceptions in {}", file!());
        broken.push(Broken { file: (*name).to_owned(), line: 1, sentence: sentence(), what });
    }
    Ok(broken)
}

/// The widest comment line, in characters.
const WIDEST: usize = 100;

/// Lines of comments that are wider. Tables and code in them cannot be broken.
pub fn wide_comments(tree: &Tree) -> Result<Vec<Broken>> {
    let mut broken = Vec::new();
    for file in tree.ending_in(&[".rs"]) {
        let mut is_code = false;
        for (i, line) in tree.text(file)?.lines().enumerate() {
            let text = ["///", "//!", "//"].iter().find_map(|mark| line.trim_start().strip_prefix(mark));
            let Some(text) = text else { continue };
            is_code ^= text.trim_start().starts_with("```");
            let width = line.chars().count();
            if width > WIDEST && !is_code && !text.starts_with("     ") && !text.trim_start().starts_with('|')
            {
                let what = format!("it has {width}");
                let sentence = format!("no comment line has more than {WIDEST} characters");
                broken.push(Broken { file: file.to_owned(), line: i + 1, sentence, what });
            }
        }
    }
    Ok(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fake;

    fn found(lines: usize, longer: &[(&str, usize)]) -> Vec<String> {
        let (_folder, tree) =
            fake::tree(&[("src/a.rs", &"//\n".repeat(lines)), ("b.md", &"x\n".repeat(500))]);
        broken(&tree, longer).unwrap().iter().map(Broken::to_string).collect()
    }

    #[test]
    fn four_hundred_lines_are_enough() {
        assert!(found(400, &[]).is_empty());
        let found = found(401, &[]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("src/a.rs:401: no source file has more than 400 lines: it has 401"),
            "{found:?}"
        );
    }

    #[test]
    fn wide_comments_are_found_where_they_can_be_broken() {
        let words = "word ".repeat(20);
        let text = format!(
            "/// é{}\n/// {words}\n//! | {words} |\n// ```\n// {words}\n// ```\nlet x = 1; // {words}\n",
            "a".repeat(95)
        );
        let (_folder, tree) = fake::tree(&[("src/a.rs", &text)]);
        let found: Vec<String> = wide_comments(&tree).unwrap().iter().map(Broken::to_string).collect();
        assert_eq!(found, ["src/a.rs:2: no comment line has more than 100 characters: it has 104"]);
    }

    #[test]
    fn exceptions_only_shrink() {
        assert!(found(450, &[("src/a.rs", 450)]).is_empty());
        assert!(found(451, &[("src/a.rs", 450)])[0].contains("it has 451, 450 is the most here"));
        assert!(found(449, &[("src/a.rs", 450)])[0].contains("lower its number"));
        assert!(found(400, &[("src/a.rs", 450)])[0].contains("remove it from the exceptions"));
        assert!(found(1, &[("src/c.rs", 450)])[0].contains("it is gone"));
    }
}
