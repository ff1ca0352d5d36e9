//! The phases that lead to the graph of neighbours.

use super::config::{DggConfig, Space};
use crate::mixture::gmm_phase;
use crate::two_stage::{OtherSpace, codes_of, siamese_codes};
use crate::{Error, Result};
use std::borrow::Cow;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_graph::Graph;
use vae_graph::knn::Knn;
use vae_graph::siamese;

/// Raised when the code below changes its result.
const REVISION: u32 = 1;

/// Where neighbours are searched for.
pub(super) struct Points<'a> {
    points: Cow<'a, Features>,
    /// Key of the phase the points come from.
    source: String,
    space: Space,
}

impl Points<'_> {
    /// For the partition of the start; `None` where these are the codes themselves.
    pub fn other_than_codes(&self) -> Option<OtherSpace<'_>> {
        (self.space != Space::Codes).then(|| OtherSpace { points: &self.points, key: &self.source })
    }
}

/// Runs the phases `neighbours` and `siamese` where they are needed.
pub(super) fn points<'a>(
    x: &'a Features,
    config: &DggConfig,
    autoencoder: &Artefact,
    cx: &FitContext,
    records: &mut Vec<PhaseRecord>,
) -> Result<Points<'a>> {
    let space = config.graph.space;
    let (points, source) = match space {
        Space::Raw => (Cow::Borrowed(x), x.sha256().to_string()),
        Space::Codes => {
            let codes = Features::dense(codes_of(x, &config.net, autoencoder, cx)?)?;
            (Cow::Owned(codes), autoencoder.record.key.clone())
        }
        Space::Siamese => {
            let trained = {
                let siamese = config.siamese.as_ref().ok_or(Error::NotFitted)?;
                siamese_codes(x, &config.net, (siamese, config.graph.metric), autoencoder, cx, records)?
            };
            (Cow::Owned(siamese::codes(&trained)?), trained.record.key)
        }
    };
    Ok(Points { points, source, space })
}

/// The phase `graph`.
pub(super) fn build(
    x: &Features,
    points: &Points<'_>,
    config: &DggConfig,
    cx: &FitContext,
) -> Result<(Graph, PhaseRecord)> {
    let (neighbors, metric) = (&config.graph.neighbors, config.graph.metric);
    let spec = PhaseSpec {
        name: "graph",
        revision: REVISION,
        config: &(neighbors, metric),
        inputs: &[x.sha256(), &points.source],
    };
    let artefact = gmm_phase(cx, &spec, |phase| {
        let mut tensors = Tensors::new();
        let graph = match neighbors.n_searched(x.n()) {
            0 => Graph::from_rows(vec![Vec::new(); x.n()])?,
            k => neighbors.graph(&Knn { k, metric }.of(&points.points, cx)?, &phase.streams)?,
        };
        graph.store("graph.", &mut tensors);
        Ok(Artefact { tensors, ..Artefact::default() })
    })?;
    Ok((Graph::load("graph.", &artefact.tensors)?, artefact.record))
}
