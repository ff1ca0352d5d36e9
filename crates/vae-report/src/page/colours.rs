//! Colours of clusters, to be told apart on white and on black.

/// Ten strong ones, then their lighter sisters, then again.
pub const PALETTE: [&str; 20] = [
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#9c6cb3", "#9c755f", "#e377c2", "#7f8790", "#b5a512",
    "#17a5b5", "#86bcf0", "#ffbe7d", "#8cd17d", "#ff9d9a", "#cda7de", "#d7b5a6", "#f7b6d2", "#bab0ac",
    "#dbdb8d", "#9edae5",
];

/// The colour of cluster `index`.
pub fn of(index: usize) -> &'static str {
    PALETTE[index % PALETTE.len()]
}
