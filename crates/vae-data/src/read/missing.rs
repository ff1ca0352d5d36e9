//! Words that stand for a missing cell or label.

/// What means that nothing is known, in any case of letters, beside an empty cell.
const WORDS: [&str; 8] = ["na", "nan", "n/a", "#n/a", "null", "none", "?", "-"];

/// Those of them that may be a level of a category as well: no insurance is known to be none.
const IN_DOUBT: [&str; 2] = ["none", "-"];

/// The words of one file.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    words: Vec<String>,
    /// Whether they are the usual ones, and perhaps numbers.
    is_usual: bool,
    /// Whether one of them is a finite number, such as -999.
    has_number: bool,
}

impl Default for Missing {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Missing {
    /// These words; with the usual ones where all of them are numbers, which say nothing of words.
    pub fn new(said: &[String]) -> Self {
        let is_number = |word: &String| word.parse::<f64>().is_ok_and(f64::is_finite);
        let mut words: Vec<String> = said.iter().map(|word| word.trim().to_owned()).collect();
        let (is_usual, has_number) = (words.iter().all(is_number), words.iter().any(is_number));
        if is_usual {
            words.extend(WORDS.map(str::to_owned));
        }
        Self { words, is_usual, has_number }
    }

    /// Whether a text stands for nothing.
    pub fn is(&self, text: &str) -> bool {
        let text = text.trim();
        text.is_empty() || self.words.iter().any(|word| text.eq_ignore_ascii_case(word))
    }

    /// A word that is taken for nothing though nobody said so, and may be a level.
    pub fn in_doubt(&self, text: &str) -> Option<&'static str> {
        IN_DOUBT.into_iter().find(|word| self.is_usual && text.trim().eq_ignore_ascii_case(word))
    }

    /// Whether a number may stand for nothing.
    pub fn has_number(&self) -> bool {
        self.has_number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_words_and_those_said() {
        let usual = Missing::default();
        for text in ["", " ", "NA", "NaN", "N/A", "#n/a", "Null", "none", "?", "-"] {
            assert!(usual.is(text), "{text}");
        }
        assert!(!usual.is("0") && !usual.is("-1") && !usual.has_number());
        let said = Missing::new(&["-999".to_owned(), "unknown".to_owned()]);
        assert!(said.is("-999") && said.is("Unknown") && said.is("") && !said.is("NA"));
        assert!(said.has_number());
        let number = Missing::new(&["-999".to_owned()]);
        assert!(number.is("-999") && number.is("?") && number.has_number(), "the usual words too");
        assert_eq!([usual.in_doubt(" None"), usual.in_doubt("NA")], [Some("none"), None]);
        assert_eq!(Missing::new(&["none".to_owned()]).in_doubt("none"), None, "somebody said it");
    }
}
