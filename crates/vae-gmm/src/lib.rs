//! k-means++ and diagonal Gaussian mixtures, and the mixture prior of a variational auto-encoder
