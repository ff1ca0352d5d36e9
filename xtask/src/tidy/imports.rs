//! The paths of a source file that begin at its crate: `crate::…`, `self::…`, `super::…`, in `use`
//! lines and elsewhere.

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path from the root of its crate, such as `["shared", "mixture", "Mixture"]`, and the line
/// where it stands.
pub type Import = (Vec<String>, usize);

/// All such paths in `text`, the source of the module `module`. Comments and texts in quotes hold
/// none.
pub fn of(text: &str, module: &[String]) -> Result<Vec<Import>> {
    let tokens: TokenStream =
        text.parse().ok().context("it is no Rust source; run cargo check, which says more")?;
    let mut found = Vec::new();
    walk(&tokens.into_iter().collect::<Vec<_>>(), module, &mut found);
    Ok(found)
}

fn walk(tokens: &[TokenTree], module: &[String], found: &mut Vec<Import>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(word) if word == "mod" => {
                if let Some((name, body)) = inline_module(&tokens[at + 1..]) {
                    let inner = [module, &[name]].concat();
                    walk(&body, &inner, found);
                    at += 3;
                    continue;
                }
            }
            TokenTree::Ident(word) if ["crate", "self", "super"].iter().any(|root| word == root) => {
                // `$crate` in a macro is a path of whoever calls it; after `::` it is the rest of
                // another path.
                let before = at.checked_sub(1).map(|before| &tokens[before]);
                let is_dollar = matches!(before, Some(TokenTree::Punct(p)) if p.as_char() == '$');
                let follows_a_path = at >= 2 && is_separator(tokens, at - 2);
                let begins = !is_dollar && !follows_a_path;
                if begins && is_separator(tokens, at + 1) {
                    at += path(&tokens[at..], &[], module, found);
                    continue;
                }
            }
            TokenTree::Group(group) => walk(&group.stream().into_iter().collect::<Vec<_>>(), module, found),
            _ => {}
        }
        at += 1;
    }
}

/// Name and body of `mod name { … }`, without the first word.
fn inline_module(tokens: &[TokenTree]) -> Option<(String, Vec<TokenTree>)> {
    match tokens {
        [TokenTree::Ident(name), TokenTree::Group(body), ..] if body.delimiter() == Delimiter::Brace => {
            Some((name.to_string(), body.stream().into_iter().collect()))
        }
        _ => None,
    }
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    colon(at) && colon(at + 1)
}

/// Reads one path, or all of `a::{b, c::d}`; `before` are the words in front of it. Returns how
/// many tokens it has.
fn path(tokens: &[TokenTree], before: &[String], module: &[String], found: &mut Vec<Import>) -> usize {
    let mut words = before.to_vec();
    let mut line = tokens.first().map_or(0, |token| token.span().start().line);
    let mut at = 0;
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => {
                words.push(word.to_string());
                line = word.span().start().line;
                at += 1;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace && !words.is_empty() => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if p.as_char() == ',');
                for part in inner.split(is_comma).filter(|part| !part.is_empty()) {
                    path(part, &words, module, found);
                }
                return at + 1;
            }
            _ => break,
        }
        if !is_separator(tokens, at) {
            break;
        }
        at += 2;
    }
    found.push((from_root(&words, module), line));
    at.max(1)
}

/// `words`, which begin with `crate`, `self` or `super`, from the root of the crate.
fn from_root(words: &[String], module: &[String]) -> Vec<String> {
    let mut path =
        if words.first().is_some_and(|word| word == "crate") { Vec::new() } else { module.to_vec() };
    for word in words {
        match word.as_str() {
            "crate" | "self" => {}
            "super" => drop(path.pop()),
            _ => path.push(word.clone()),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let module = ["methods".to_owned(), "vade".to_owned(), "net".to_owned()];
        of(text, &module)
            .unwrap()
            .into_iter()
            .map(|(path, line)| format!("{} {line}", path.join("::")))
            .collect()
    }

    #[test]
    fn paths_are_found_in_use_lines_and_in_code() {
        assert_eq!(found("use crate::shared::mixture::Mixture;"), ["shared::mixture::Mixture 1"]);
        assert_eq!(
            found("use crate::{\n    api::{Fit, Method as M},\n    input::*,\n};"),
            ["api::Fit 2", "api::Method 2", "input 3"]
        );
        assert_eq!(found("fn f() -> crate::Result<u8> { crate::registry::presets::<u8>() }").len(), 2);
        assert_eq!(found("let x = S { a: crate::api::A { b: 1 } };"), ["api::A 1"]);
    }

    #[test]
    fn paths_from_here_are_followed_from_the_module_they_stand_in() {
        assert_eq!(
            found("use super::loss::{self, kl};"),
            ["methods::vade::loss 1", "methods::vade::loss::kl 1"]
        );
        assert_eq!(found("use super::super::dgg::Dgg;"), ["methods::dgg::Dgg 1"]);
        assert_eq!(found("mod tests { use super::super::loss; }"), ["methods::vade::loss 1"]);
        assert_eq!(found("mod tests {\n use super::*; }\nuse self::a::B;").len(), 2);
    }

    #[test]
    fn comments_texts_and_macros_of_others_hold_none() {
        let text = "//! [`crate::registry`]\n/// crate::a::b\n/* crate::c::d */\nconst T: &str = \"crate::e::f\";\n\
                    pub(crate) fn f(&self) { self.x; $crate::g::h!() }";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_rust_is_an_error() {
        assert!(of("fn f( {", &[]).is_err());
    }
}
