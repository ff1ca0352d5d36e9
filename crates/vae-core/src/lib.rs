//! Networks, likelihoods, optimisers and the training loop for variational auto-encoders on libtorch
