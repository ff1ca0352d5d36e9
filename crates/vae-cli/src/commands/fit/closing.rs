//! What `vae fit` says when it has finished: scores, clusters, warnings, cost, files and what to do
//! next.
//!
//! Each part is a method that returns its lines, each ending in a line break, or an empty text.
//! Only [`Closing::scores`] and the scores of facets look at labels.

use crate::args::ReadArgs;
use crate::confidence;
use crate::output::{self, duration, percent, shell_word, thousands};
use crate::results::{Evaluation, FacetsFound, TestScores};
use std::path::Path;
use vae_data::Source;
use vae_models::{Clusterer, FitSummary, Watch};

/// The most cluster sizes that are listed.
const MOST_SIZES: usize = 30;

/// A finished fit, as far as there is something to say of it.
pub struct Closing<'a> {
    /// The run folder.
    pub dir: &'a Path,
    pub model: &'a dyn Clusterer,
    pub summary: &'a FitSummary,
    /// Scores, where there are labels.
    pub evaluation: Option<&'a Evaluation>,
    /// Number of samples in each cluster.
    pub sizes: &'a [usize],
    /// How sure the model is, where it has a posterior.
    pub confidence: Option<confidence::Summary>,
    /// Reasons to doubt.
    pub warnings: &'a [String],
    /// The clusterings, where the model has several.
    pub facets: Option<&'a FacetsFound>,
    /// What each cluster is, a line each.
    pub clusters: &'a [String],
    pub has_embedding: bool,
    /// How new data of this kind are given, by [`new_data`].
    pub new_data: &'a str,
}

impl Closing<'_> {
    /// All parts in their order.
    pub fn text(&self) -> String {
        [
            self.scores(),
            self.cluster_sizes(),
            self.clusters(),
            self.confidence(),
            self.training(),
            self.warnings(),
            self.several_clusterings(),
            self.cost(),
            self.files(),
            self.next_commands(),
        ]
        .concat()
    }

    /// Scores of the fitted rows and of the test split, and what is to be known of them.
    fn scores(&self) -> String {
        let Some(Evaluation { fit, test, start, .. }) = self.evaluation else { return String::new() };
        let from = start.map_or_else(String::new, |s| format!("   (started from ACC {})", percent(s.acc)));
        let (acc, purity) = (percent(fit.acc), percent(fit.purity));
        let mut text =
            format!("ACC {acc}   NMI {:.4}   ARI {:.4}   purity {purity}{from}\n", fit.nmi, fit.ari);
        text += &test.as_ref().map_or_else(String::new, of_test_split);
        if fit.n_classes != self.sizes.len() {
            text += &format!(
                "{} clusters against {} classes: the best one-to-one matching leaves some of them unmatched\n",
                self.sizes.len(),
                fit.n_classes
            );
        }
        text
    }

    fn cluster_sizes(&self) -> String {
        let shown: Vec<String> = self.sizes.iter().take(MOST_SIZES).map(|s| thousands(*s)).collect();
        let more = if self.sizes.len() > MOST_SIZES { ", ..." } else { "" };
        format!("cluster sizes {}{more}\n", shown.join(" "))
    }

    /// What sets clusters apart, where more than their sizes is to be said.
    fn clusters(&self) -> String {
        if !self.clusters.iter().any(|line| line.contains(';')) {
            return String::new();
        }
        let plain = |line: &String| line.replace(|c: char| c.is_control(), " ");
        self.clusters.iter().take(MOST_SIZES).map(|line| plain(line) + "\n").collect()
    }

    /// How many samples are in doubt.
    fn confidence(&self) -> String {
        let Some(confidence::Summary { below_half, below_nine_tenths, mean }) = self.confidence else {
            return String::new();
        };
        let [half, nine_tenths] = [below_half, below_nine_tenths].map(thousands);
        format!(
            "confidence {mean:.3} on average; below 0.9 for {nine_tenths} samples, below 0.5 for {half}\n"
        )
    }

    /// What the training did to the initial clusters.
    fn training(&self) -> String {
        let Some(Watch { changed, before, after }) = self.summary.watch else { return String::new() };
        format!(
            "training moved {} of the rows to another cluster; modularity in the data's neighbour graph {:.3}, {:.3} at its start\n",
            percent(changed),
            after.modularity,
            before.modularity
        )
    }

    /// What gives reason to doubt.
    fn warnings(&self) -> String {
        self.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect()
    }

    fn several_clusterings(&self) -> String {
        let Some(FacetsFound { assignments, structure }) = self.facets else { return String::new() };
        let mut text = format!("{} clusterings of the same samples: {structure}\n", assignments.len());
        let scores = self.evaluation.map_or(&[][..], |evaluation| &evaluation.facets);
        for (i, score) in scores.iter().enumerate() {
            let (acc, purity) = (percent(score.acc), percent(score.purity));
            text += &format!("  facet {i}: ACC {acc}   NMI {:.4}   purity {purity}\n", score.nmi);
        }
        text
    }

    fn cost(&self) -> String {
        let wall: f64 = self.summary.phases.iter().map(|p| p.wall_s).sum();
        let is_cached = self.summary.phases.iter().any(|p| p.cached);
        let cached = if is_cached { ", phases from the cache at their original cost" } else { "" };
        format!("computing time {}{cached}\n", duration(wall))
    }

    /// The files of the run folder that people look for.
    fn files(&self) -> String {
        let all = [
            ("report.html", "everything on one page", true),
            ("clusters.json", "what each cluster is (.csv as a table)", true),
            (
                "assignments.csv",
                "the cluster of every sample, how sure and how unusual it is (.npy for programs)",
                true,
            ),
            ("facets.csv", "the cluster of every sample in each of the clusterings", self.facets.is_some()),
            ("embedding.npy", "the latent code of every sample", self.has_embedding),
            ("pictures/", "as SVG", true),
        ];
        let row = |(name, what, _)| vec![format!("  {}", self.dir.join(name).display()), String::from(what)];
        let rows: Vec<Vec<String>> = all.into_iter().filter(|(.., is_there)| *is_there).map(row).collect();
        output::table(&rows)
    }

    /// Commands that use the model.
    fn next_commands(&self) -> String {
        let model = shell_word(&self.dir.display().to_string());
        let mut text = format!("next: vae predict --model {model} {} --out labels.csv\n", self.new_data);
        if self.model.generator().is_some() {
            let ending = if self.model.image().is_some() { "png" } else { "csv" };
            text += &format!("      vae sample --model {model} --out samples.{ending}\n");
        }
        text
    }
}

fn of_test_split(test: &TestScores) -> String {
    let (acc, purity) = (percent(test.scores.acc), percent(test.scores.purity));
    let aae = test.aae.map_or_else(String::new, |aae| format!("   AAE criterion {}", percent(aae)));
    let map = percent(test.purity_train_map);
    format!("test split: ACC {acc}   purity {purity}   with the classes of the training split {map}{aae}\n")
}

/// The words that give data of the same kind as `source` to another command.
pub fn new_data(source: &Source, read: &ReadArgs) -> String {
    let name = match source {
        Source::Known(_) => "NEW.npy".into(),
        Source::StandardInput => "-".into(),
        Source::Path(path) => match path.extension().filter(|_| path.is_file()) {
            Some(ending) => format!("NEW.{}", ending.to_string_lossy()),
            None => "NEW".into(),
        },
    };
    let words: Vec<String> = read.of_new_data().iter().map(|word| format!(" {}", shell_word(word))).collect();
    format!("--data {}{}", shell_word(&name), words.concat())
}
