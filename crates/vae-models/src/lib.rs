//! Deep clustering methods behind one trait
