//! Words of a text: runs of at least two letters, digits or underscores, in lower case.
//!
//! The same as scikit-learn's default `token_pattern` `(?u)\b\w\w+\b` after `lowercase=True`,
//! except for combining vowel signs of Indic scripts, which belong to a word here and end one
//! there.

/// Hands on each token of `text` until `take` refuses one; `buffer` is scratch space.
pub(crate) fn each_token<E>(
    text: &str,
    buffer: &mut String,
    mut take: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    buffer.clear();
    if text.is_ascii() {
        buffer.push_str(text);
        buffer.make_ascii_lowercase();
    } else {
        // One call for the whole text: the last sigma of a word depends on what follows.
        buffer.push_str(&text.to_lowercase());
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for run in buffer.split(|c| !is_word(c)) {
        // Two characters; most runs of two bytes are.
        if run.len() >= 2 && (run.is_ascii() || run.chars().nth(1).is_some()) {
            take(run)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        let take = |token: &str| -> Result<(), ()> {
            out.push(token.to_owned());
            Ok(())
        };
        each_token(text, &mut String::new(), take).expect("never refused");
        out
    }

    #[test]
    fn as_scikit_learn_splits() {
        // Each right side is what `CountVectorizer().build_analyzer()` gives (scikit-learn 1.9.1).
        let cases: [(&str, &[&str]); 7] = [
            ("The U.S. Fed's 7-3/4 pct rate", &["the", "fed", "pct", "rate"]),
            ("a_b __ x 10 1,000 3.5mln", &["a_b", "__", "10", "000", "5mln"]),
            ("", &[]),
            ("ÉCOLE é éé naïve", &["école", "éé", "naïve"]),
            ("ΟΔΟΣ ß ßß", &["οδος", "ßß"]),
            ("日本語 x²", &["日本語", "x²"]),
            ("tab\tnew\r\nline\u{3}end", &["tab", "new", "line", "end"]),
        ];
        for (text, expected) in cases {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn tokens_are_lower_case_words_of_two_or_more(text in any::<String>()) {
            for token in tokens(&text) {
                prop_assert!(token.chars().count() >= 2);
                prop_assert!(token.chars().all(|c| c.is_alphanumeric() || c == '_'));
                prop_assert_eq!(token.is_ascii().then(|| token.to_ascii_lowercase()), token.is_ascii().then(|| token.clone()));
            }
        }

        #[test]
        fn blanks_between_texts_join_their_tokens(a in "[a-zA-Z0-9_ .]{0,40}", b in "[a-zA-Z0-9_ .]{0,40}") {
            let joined = tokens(&format!("{a} {b}"));
            prop_assert_eq!(joined, [tokens(&a), tokens(&b)].concat());
        }
    }
}
