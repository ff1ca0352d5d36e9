//! Clustering metrics: labels in, numbers out
