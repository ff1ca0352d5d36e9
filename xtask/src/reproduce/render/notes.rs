//! Numbered remarks under a table.

/// Numbered remarks under a table; the same text gets the same number.
#[derive(Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    pub(super) fn mark(&mut self, text: String) -> String {
        let at = self.0.iter().position(|note| *note == text).unwrap_or_else(|| {
            self.0.push(text);
            self.0.len() - 1
        });
        format!("[{}]", at + 1)
    }

    /// A paragraph after an empty line, or nothing.
    pub(super) fn markdown(&self) -> String {
        let lines = self.0.iter().enumerate().map(|(i, note)| format!("[{}] {note}  \n", i + 1));
        if self.0.is_empty() { String::new() } else { "\n".to_owned() + &lines.collect::<String>() }
    }
}
