//! How a table is read: what its columns are for, and how it is written.

use clap::{Args, ValueEnum};
use vae_data::{LoadOptions, Quote};

/// What separates words in one value of an option.
const SEPARATOR: char = ',';

/// How to read a table (CSV, TSV, other separated values).
///
/// Without a header its columns are called 1, 2, 3, …
#[derive(Clone, Debug, Args)]
pub struct TableArgs {
    /// Column that holds the labels, and is no feature
    #[arg(long, value_name = "NAME", help_heading = "Tables")]
    pub label_column: Option<String>,
    /// Column that names the rows: no feature, but a column of what is written [default: one that
    /// looks like it]
    #[arg(long, value_name = "NAME", help_heading = "Tables")]
    pub id_column: Option<String>,
    /// Columns to leave out, separated by commas; may be repeated
    #[arg(long, value_name = "NAMES", help_heading = "Tables", value_parser = Words::parse)]
    pub drop: Vec<Words>,
    /// Columns that are features [default: all that can be], separated by commas; may be repeated
    #[arg(long, value_name = "NAMES", help_heading = "Tables", value_parser = Words::parse)]
    pub columns: Vec<Words>,
    /// Columns whose values are categories although they are numbers or many words, separated by
    /// commas; may be repeated
    #[arg(long, value_name = "NAMES", help_heading = "Tables", value_parser = Words::parse)]
    pub categorical: Vec<Words>,
    /// Words that stand for a missing value, separated by commas; may be repeated. An empty cell is
    /// always missing, and numbers alone, such as -999, are added to the usual words [default: NA,
    /// NaN, N/A, #N/A, null, none, ? and -]
    #[arg(
        long,
        value_name = "WORDS",
        help_heading = "Tables",
        value_parser = Words::parse,
        allow_hyphen_values = true
    )]
    pub missing: Vec<Words>,
    /// Whether the first line is a header
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Header::Auto, help_heading = "Tables")]
    pub header: Header,
    /// What separates the fields: one character, tab or space [default: tab, semicolon, comma or |,
    /// as the first lines show]
    #[arg(
        long,
        value_name = "CHAR|tab|space",
        help_heading = "Tables",
        value_parser = delimiter,
        allow_hyphen_values = true
    )]
    pub delimiter: Option<char>,
    /// Decimal sign of numbers, . or , [default: as the numbers show]
    #[arg(long, value_name = "CHAR", help_heading = "Tables", value_parser = decimal)]
    pub decimal: Option<char>,
    /// Quotes around fields [default: double]
    #[arg(long, value_name = "KIND", value_enum, help_heading = "Tables")]
    pub quote: Option<QuoteKind>,
    /// Column that holds documents; they become tf-idf features
    #[arg(long, value_name = "NAME", help_heading = "Tables")]
    pub text_column: Option<String>,
}

impl TableArgs {
    /// Puts what is said into the options of `vae-data`.
    pub fn apply(&self, options: &mut LoadOptions) {
        options.label_column.clone_from(&self.label_column);
        options.id_column.clone_from(&self.id_column);
        options.drop = joined(&self.drop);
        options.columns = joined(&self.columns);
        options.categorical = joined(&self.categorical);
        options.missing = joined(&self.missing);
        options.header = match self.header {
            Header::Auto => None,
            Header::Yes => Some(true),
            Header::No => Some(false),
        };
        options.delimiter = self.delimiter;
        options.decimal = self.decimal;
        options.quote = self.quote.map(Quote::from);
        options.text_column.clone_from(&self.text_column);
    }

    /// An option that means nothing where no table is read, if one is given. Words for missing
    /// values are for files of labels, too.
    pub fn given(&self) -> Option<&'static str> {
        let given = [
            ("--label-column", self.label_column.is_some()),
            ("--id-column", self.id_column.is_some()),
            ("--drop", !self.drop.is_empty()),
            ("--columns", !self.columns.is_empty()),
            ("--categorical", !self.categorical.is_empty()),
            ("--header", self.header != Header::Auto),
            ("--delimiter", self.delimiter.is_some()),
            ("--decimal", self.decimal.is_some()),
            ("--quote", self.quote.is_some()),
            ("--text-column", self.text_column.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
    }

    /// All that was said, as words of another command.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut put = |option: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
        };
        let list = |values: &[Words]| {
            let all: Vec<String> = joined(values).iter().map(|word| quoted(word)).collect();
            (!all.is_empty()).then(|| all.join(","))
        };
        put("--label-column", self.label_column.clone());
        put("--drop", list(&self.drop));
        put("--columns", list(&self.columns));
        put("--categorical", list(&self.categorical));
        words.extend(self.of_new_data());
        words
    }

    /// The options that new data of the same kind need as well, as words of a command. What the
    /// columns are for is known to a fitted model.
    pub fn of_new_data(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut put = |option: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
        };
        let header = self.header.to_possible_value().filter(|_| self.header != Header::Auto);
        put("--header", header.map(|value| value.get_name().to_owned()));
        put("--id-column", self.id_column.clone());
        let missing: Vec<String> = joined(&self.missing).iter().map(|word| quoted(word)).collect();
        put("--missing", (!missing.is_empty()).then(|| missing.join(",")));
        put("--delimiter", self.delimiter.map(name_of));
        put("--decimal", self.decimal.map(String::from));
        put("--quote", self.quote.and_then(|q| Some(q.to_possible_value()?.get_name().to_owned())));
        put("--text-column", self.text_column.clone());
        words
    }
}

/// Whether a table begins with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Header {
    /// Look at the first lines
    Auto,
    /// The first line is a header
    Yes,
    /// The first line is data
    No,
}

/// How fields are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QuoteKind {
    /// Quotes are text like any other
    None,
    /// "
    Double,
    /// '
    Single,
}

impl From<QuoteKind> for Quote {
    fn from(kind: QuoteKind) -> Self {
        match kind {
            QuoteKind::None => Self::None,
            QuoteKind::Double => Self::Double,
            QuoteKind::Single => Self::Single,
        }
    }
}

/// The words of one value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Takes `a,b` apart; a word in double quotes may hold commas.
    fn parse(text: &str) -> Result<Self, String> {
        let (mut words, mut word, mut in_quotes) = (Vec::new(), String::new(), false);
        for c in text.chars() {
            match c {
                '"' => in_quotes = !in_quotes,
                SEPARATOR if !in_quotes => words.push(std::mem::take(&mut word)),
                c => word.push(c),
            }
        }
        words.push(word);
        if in_quotes {
            return Err("a quote is not closed".into());
        }
        if words.iter().any(String::is_empty) {
            return Err("a word is empty; words are separated by single commas, such as a,b".into());
        }
        Ok(Self(words))
    }
}

fn joined(values: &[Words]) -> Vec<String> {
    values.iter().flat_map(|words| words.0.iter().cloned()).collect()
}

/// A word as [`Words::parse`] reads it.
fn quoted(word: &str) -> String {
    if word.contains(SEPARATOR) { format!("\"{word}\"") } else { word.to_owned() }
}

fn delimiter(text: &str) -> Result<char, String> {
    match text {
        "tab" | "\\t" => return Ok('\t'),
        "space" => return Ok(' '),
        _ => {}
    }
    one_character(text).ok_or_else(|| "expected one character, such as ; or |, or tab or space".into())
}

fn name_of(delimiter: char) -> String {
    match delimiter {
        '\t' => "tab".into(),
        ' ' => "space".into(),
        other => other.into(),
    }
}

fn decimal(text: &str) -> Result<char, String> {
    one_character(text).filter(|c| matches!(c, '.' | ',')).ok_or_else(|| "expected . or ,".into())
}

fn one_character(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_separated_by_commas_outside_quotes() {
        let words = |text: &str| Words::parse(text).map(|words| words.0);
        assert_eq!(words("a,b c").expect("two"), ["a", "b c"]);
        assert_eq!(words("\"mass, kg\",b").expect("two"), ["mass, kg", "b"]);
        for wrong in ["", "a,,b", "a,", "\"a"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
        assert_eq!(words(&quoted("mass, kg")).expect("one"), ["mass, kg"]);
    }

    #[test]
    fn all_that_was_said_can_be_said_again() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            table: TableArgs,
        }
        let parse = |words: &[String]| {
            let line = std::iter::once("t".to_owned()).chain(words.iter().cloned());
            <Line as clap::Parser>::try_parse_from(line).expect("parses").table
        };
        let said = [
            "--label-column",
            "kind",
            "--drop",
            "\"mass, kg\",b",
            "--columns",
            "x",
            "--categorical",
            "c,d",
            "--header",
            "no",
            "--id-column",
            "name",
            "--missing",
            "-,?",
            "--delimiter",
            "tab",
            "--decimal",
            ",",
            "--quote",
            "single",
            "--text-column",
            "t",
        ];
        let said: Vec<String> = said.map(str::to_owned).to_vec();
        let words = parse(&said).words();
        assert_eq!(words.len(), said.len());
        assert_eq!(parse(&words).words(), words);
        assert!(said.iter().all(|word| words.contains(word)), "{words:?}");
        assert!(parse(&[]).words().is_empty());
    }

    #[test]
    fn separators_have_names() {
        assert_eq!(delimiter("tab"), Ok('\t'));
        assert_eq!(delimiter("space"), Ok(' '));
        assert_eq!(delimiter("|"), Ok('|'));
        assert!(delimiter("::").is_err() && delimiter("").is_err());
        for c in ['\t', ' ', ';'] {
            assert_eq!(delimiter(&name_of(c)), Ok(c));
        }
        assert_eq!((decimal(","), decimal(".").is_ok(), decimal("x").is_ok()), (Ok(','), true, false));
    }
}
