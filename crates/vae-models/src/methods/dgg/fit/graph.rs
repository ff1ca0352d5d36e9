//! The phases that build the neighbour graph.

use super::super::config::{DggConfig, Space};
use crate::Result;
use crate::pretrained::{Codes, OtherSpace};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_graph::knn::{self, Knn};
use vae_graph::{Graph, affinity, siamese};

/// The points whose neighbours are searched.
pub(super) enum Points<'a> {
    Raw(&'a Features),
    Codes(&'a Codes<'a>),
    /// With the key of the phase the points come from.
    Siamese(Features, String),
}

impl<'a> Points<'a> {
    /// Runs the phases `neighbours` and `siamese` where they are needed.
    pub fn new(config: &DggConfig, codes: &'a Codes<'a>, records: &mut Vec<PhaseRecord>) -> Result<Self> {
        Ok(match config.graph.space {
            Space::Raw => Self::Raw(codes.x),
            Space::Codes => Self::Codes(codes),
            Space::Siamese => {
                let absent = || vae_core::Error::Internal("DGG's table `siamese` is absent".into());
                let siamese = config.siamese.as_ref().ok_or_else(absent)?;
                let trained = codes.siamese(siamese, config.graph.metric, records)?;
                Self::Siamese(siamese::codes(&trained)?, trained.record.key)
            }
        })
    }

    /// Key of the phase the points come from.
    fn source(&self) -> &str {
        match self {
            Self::Raw(x) => x.sha256(),
            Self::Codes(codes) => codes.key(),
            Self::Siamese(_, key) => key,
        }
    }

    fn get(&self) -> Result<&Features> {
        match self {
            Self::Raw(x) => Ok(x),
            Self::Codes(codes) => codes.get(),
            Self::Siamese(points, _) => Ok(points),
        }
    }

    /// For the initial partition; `None` where these are the codes themselves.
    pub fn other_than_codes(&self) -> Option<OtherSpace<'_>> {
        match self {
            Self::Raw(points) => Some(OtherSpace { points, key: self.source() }),
            Self::Siamese(points, key) => Some(OtherSpace { points, key }),
            Self::Codes(_) => None,
        }
    }
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
        revisions: &[&[knn::REVISION, affinity::REVISION]],
        config: &(neighbors, metric),
        inputs: &[x.sha256(), points.source()],
    };
    let artefact = cx.phase(&spec, |phase| -> Result<Artefact> {
        let mut tensors = Tensors::new();
        let graph = match neighbors.n_searched(x.n()) {
            0 => Graph::from_rows(vec![Vec::new(); x.n()])?,
            k => neighbors.graph(&Knn { k, metric }.of(points.get()?, cx)?, &phase.streams)?,
        };
        graph.store("graph.", &mut tensors);
        Ok(Artefact { tensors, ..Artefact::default() })
    })?;
    Ok((Graph::load("graph.", &artefact.tensors)?, artefact.record))
}
