//! The second stages: clusterings of the codes, as a model keeps them.

use super::super::config::{CodesConfig, OfVae};
use crate::Result;
use crate::api::stored;
use crate::config::Preset;
use crate::pretrained::{CodeClustering, Codes, CodesInit};
use crate::shared::assignments::{labels_of, labels_to_tensor};
use crate::shared::mixture::Mixture;
use crate::shared::nearest_centre;
use crate::shared::neighbour_vote::NeighbourVote;
use ndarray::{Array1, Array2};
use tch::Device;
use vae_core::Features;
use vae_core::bundle::{FIT_ANEW, Tensors};
use vae_core::features::{to_array2, to_array2_f64, to_tensor, to_tensor_f64};
use vae_core::phase::FitContext;
use vae_core::program::{Program, Value};
use vae_gmm::{Gmm, KMeans};
use vae_graph::knn::{Knn, Metric};
use vae_graph::partition::PartitionConfig;

/// Second stage of a fitted model.
pub trait CodeStage: Sized + Send + std::fmt::Debug + 'static {
    const NAME: &'static str;
    const SUMMARY: &'static str;
    const REFERENCE: &'static str;
    const PRESETS: &'static [Preset];
    /// Whether it is a generative model of the codes.
    const GENERATIVE: bool = false;
    type Config: CodesConfig;
    /// From what [`CodesConfig::fit`] found.
    fn of(init: &CodesInit, codes: &Codes<'_>) -> Result<Self>;
    fn assignments(init: &CodesInit) -> &Array1<u32>;
    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>>;
    fn store(&self, tensors: &mut Tensors) -> Result<()>;
    fn load(tensors: &Tensors) -> Result<Self>;
    /// Adds the scores of the clusters to a program.
    fn describe(&self, program: &mut Program, codes: &Value) -> Result<Value>;
    /// The mixture, where it is one.
    fn gmm(&self) -> Option<&Gmm> {
        None
    }
}

impl CodeStage for KMeans {
    const NAME: &'static str = "ae-kmeans";
    const SUMMARY: &'static str = "auto-encoder, then k-means on its codes";
    const REFERENCE: &'static str = "baseline of DEC and VaDE";
    const PRESETS: &'static [Preset] = presets!("ae-kmeans":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = CodeClustering;

    fn of(init: &CodesInit, _codes: &Codes<'_>) -> Result<Self> {
        Ok(Self::from_centres(init.centres.clone())?)
    }

    fn assignments(init: &CodesInit) -> &Array1<u32> {
        &init.kmeans_assignments
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        Ok(Self::predict(self, codes.view())?)
    }

    fn store(&self, tensors: &mut Tensors) -> Result<()> {
        tensors.insert("kmeans.centres".into(), to_tensor_f64(self.centres())?);
        Ok(())
    }

    fn load(tensors: &Tensors) -> Result<Self> {
        Ok(Self::from_centres(to_array2_f64(stored(tensors, "kmeans.centres")?)?)?)
    }

    fn describe(&self, program: &mut Program, codes: &Value) -> Result<Value> {
        nearest_centre::describe(self, program, codes)
    }
}

impl CodeStage for Gmm {
    const NAME: &'static str = "ae-gmm";
    const SUMMARY: &'static str = "auto-encoder, then a diagonal Gaussian mixture on its codes";
    const REFERENCE: &'static str = "baseline of VaDE, LTVAE and DGG (AE+GMM)";
    const PRESETS: &'static [Preset] = presets!("ae-gmm":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    const GENERATIVE: bool = true;
    type Config = CodeClustering;

    fn of(init: &CodesInit, _codes: &Codes<'_>) -> Result<Self> {
        init.mixture.to_gmm()
    }

    fn assignments(init: &CodesInit) -> &Array1<u32> {
        &init.assignments
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        Ok(Self::predict(self, codes.view())?)
    }

    fn store(&self, tensors: &mut Tensors) -> Result<()> {
        Mixture::of(self).store("gmm.", tensors)
    }

    fn load(tensors: &Tensors) -> Result<Self> {
        Mixture::load(tensors, "gmm.")?.to_gmm()
    }

    fn describe(&self, program: &mut Program, codes: &Value) -> Result<Value> {
        Mixture::of(self).describe(program, codes)
    }

    fn gmm(&self) -> Option<&Gmm> {
        Some(self)
    }
}

/// The mixture of the codes of a plain VAE.
#[derive(Debug)]
pub struct OfVaeCodes(Gmm);

impl CodeStage for OfVaeCodes {
    const NAME: &'static str = "vae-gmm";
    const SUMMARY: &'static str = "variational auto-encoder with a standard normal prior, then a diagonal Gaussian mixture on its codes";
    const REFERENCE: &'static str = "Kingma and Welling 2014; baseline of VaDE and LTVAE (VAE+GMM)";
    const PRESETS: &'static [Preset] = presets!("vae-gmm":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    const GENERATIVE: bool = true;
    type Config = OfVae;

    fn of(init: &CodesInit, codes: &Codes<'_>) -> Result<Self> {
        Ok(Self(<Gmm as CodeStage>::of(init, codes)?))
    }

    fn assignments(init: &CodesInit) -> &Array1<u32> {
        <Gmm as CodeStage>::assignments(init)
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        CodeStage::predict(&self.0, codes)
    }

    fn store(&self, tensors: &mut Tensors) -> Result<()> {
        CodeStage::store(&self.0, tensors)
    }

    fn load(tensors: &Tensors) -> Result<Self> {
        Ok(Self(<Gmm as CodeStage>::load(tensors)?))
    }

    fn describe(&self, program: &mut Program, codes: &Value) -> Result<Value> {
        CodeStage::describe(&self.0, program, codes)
    }

    fn gmm(&self) -> Option<&Gmm> {
        Some(&self.0)
    }
}

/// A partition of the graph of the codes; a new code belongs to the cluster of the nearest known
/// one.
#[derive(Debug)]
pub struct Spectral {
    codes: Features,
    labels: Array1<u32>,
}

impl CodeStage for Spectral {
    const NAME: &'static str = "ae-spectral";
    const SUMMARY: &'static str =
        "auto-encoder, then a partition of its codes' neighbour graph, chosen by modularity";
    const REFERENCE: &'static str = "Ng, Jordan and Weiss 2001; Newman 2004";
    const PRESETS: &'static [Preset] = presets!("ae-spectral":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = PartitionConfig;

    fn of(init: &CodesInit, codes: &Codes<'_>) -> Result<Self> {
        Ok(Self { codes: codes.get()?.clone(), labels: init.assignments.clone() })
    }

    fn assignments(init: &CodesInit) -> &Array1<u32> {
        &init.assignments
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        let nearest = Knn { k: 1, metric: Metric::Euclidean };
        let codes = Features::dense(codes.clone())?;
        let found = nearest.among(&self.codes, &codes, &FitContext::in_memory(0))?;
        Ok(found.index().column(0).mapv(|i| self.labels[i as usize]))
    }

    fn store(&self, tensors: &mut Tensors) -> Result<()> {
        let codes = self.codes.dense_rows(0, self.codes.n());
        tensors.insert("spectral.codes".into(), to_tensor(codes.view(), Device::Cpu)?);
        tensors.insert("spectral.labels".into(), labels_to_tensor(&self.labels));
        Ok(())
    }

    fn load(tensors: &Tensors) -> Result<Self> {
        let codes = Features::dense(to_array2(stored(tensors, "spectral.codes")?)?)?;
        let labels = labels_of(stored(tensors, "spectral.labels")?)?;
        if labels.len() != codes.n() {
            let why = format!("has {} labels for {} codes", labels.len(), codes.n());
            let (what, remedy) = ("the model".into(), FIT_ANEW.into());
            return Err(vae_core::Error::Checkpoint { what, why, remedy }.into());
        }
        Ok(Self { codes, labels })
    }

    /// The nearest known code has the only vote.
    fn describe(&self, program: &mut Program, codes: &Value) -> Result<Value> {
        let n_clusters = self.labels.iter().max().map_or(0, |&most| most as usize + 1);
        NeighbourVote::new(self.codes.clone(), self.labels.clone(), n_clusters, 1).describe(program, codes)
    }
}
