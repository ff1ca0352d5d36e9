//! Customers of four kinds that are known, and pages about them and about made documents and
//! images.
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part")]

use ndarray::{Array1, Array2};
use std::collections::BTreeMap;
use vae_array::{Column, Csr, ImageShape, Schema};
use vae_report::comparison::{Change, Comparison, Flow, Pair, Parts, Run};
use vae_report::page::{
    ConfidenceCounts, Curve, Fact, Generated, Layout, Made, Map, MapInput, MeanImage, Phase, Picture,
    RowFacts, Scores, map_rows,
};
use vae_report::{
    ClusterNames, Clusters, Confidence, Data, Documents, Images, Options, Page, Subject, Table, explain,
};

/// Number of customers in each group.
pub const SIZE: usize = 250;

/// The file as text: `id`, four numbers, one category, one column that is the same for all, one
/// that says nothing. What is not named in `true_features` is drawn alike for all groups.
pub fn csv() -> String {
    let mut lines = String::from("id,age,income (EUR),visits,basket (EUR),region,country,noise\n");
    let mut state = 7u64;
    let mut uniform = move || {
        // Numerical Recipes' generator; its high bits are good enough for a table.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    for i in 0..4 * SIZE {
        let group = i % 4;
        // A sum of twelve uniform numbers is close to normal.
        let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let age = 45.0 + 6.0 * normal() - if group == 0 { 22.0 } else { 0.0 };
        let income = (10.3 + 0.5 * normal() + if group == 1 { 2.2 } else { 0.0 }).exp();
        let visits = (8.0 + 2.0 * normal() + if group == 2 { 16.0 } else { 0.0 }).max(0.0).round();
        let basket = 60.0 + 9.0 * normal() - if group == 2 { 35.0 } else { 0.0 };
        let noise = normal();
        let region = match (group, uniform()) {
            (3, p) if p < 0.9 => "north",
            (_, p) => ["south", "east", "west"][(3.0 * p) as usize % 3],
        };
        // One basket in fifty is not known.
        let basket = if uniform() < 0.02 { String::new() } else { format!("{basket:.2}") };
        lines += &format!("c{i},{age:.1},{income:.0},{visits},{basket},{region},DE,{noise:.3}\n");
    }
    lines
}

/// The file as features, as a reader of tables makes them.
pub fn read(csv: &str) -> (Array2<f32>, Schema, Vec<String>) {
    let regions = ["east", "north", "south", "west"];
    let mut columns: Vec<Column> =
        ["age", "income (EUR)", "visits", "basket (EUR)"].map(Column::number).to_vec();
    columns.extend([
        Column::category("region", regions),
        Column::category("country", ["DE"]),
        Column::number("noise"),
    ]);
    let mut values = Vec::new();
    let mut names = Vec::new();
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        names.push(cells[0].to_owned());
        let number = |cell: &str| cell.parse().unwrap_or(f32::NAN);
        values.extend(cells[1..5].iter().map(|cell| number(cell)));
        values.extend(regions.iter().map(|region| f32::from(u8::from(*region == cells[5]))));
        values.extend([1.0, number(cells[7])]);
    }
    let schema = Schema { named: true, columns };
    let x = Array2::from_shape_vec((names.len(), schema.n_features()), values).expect("a table");
    (x, schema, names)
}

/// Numbers in `0..1`, always the same.
pub struct Uniform(u64);

impl Uniform {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// Codes in clouds around `k` places, and posteriors that are unsure between neighbours.
pub fn codes(assignments: &Array1<u32>, k: usize) -> (Array2<f64>, Array2<f32>) {
    let mut random = Uniform::new(3);
    let n = assignments.len();
    let mut points = Array2::zeros((n, 2));
    let mut gamma = Array2::zeros((n, k));
    for (row, &c) in assignments.iter().enumerate() {
        let angle = f64::from(c) * std::f64::consts::TAU / k as f64;
        let stretch = 0.7 + 0.25 * f64::from(c % 3);
        points[[row, 0]] = 4.0 * angle.cos() + stretch * random.normal();
        points[[row, 1]] = 3.0 * angle.sin() + 0.8 * random.normal();
        let doubt = (0.5 * random.next().powi(6)) as f32;
        gamma[[row, c as usize]] = 1.0 - doubt;
        gamma[[row, (c as usize + 1) % k]] += doubt;
    }
    (points, gamma)
}

/// A page about `data` with everything that a page can have.
pub fn page_of(
    title: &str,
    data: &Data<'_>,
    assignments: &Array1<u32>,
    k: usize,
    ids: Option<&[String]>,
) -> Page {
    let (points, gamma) = codes(assignments, k);
    let latent = points.mapv(|v| v as f32);
    let names = ClusterNames::from([(0, "the <young> & \"new\"".to_owned())]);
    let subject = Subject {
        data: data.reborrow(),
        assignments: assignments.view(),
        n_clusters: k,
        confidence: Confidence::Posterior(gamma.view()),
        codes: Some(latent.view()),
        row_names: ids,
        cluster_names: &names,
    };
    let clusters = explain(&subject, &Options::default()).expect("sound");
    let rows = map_rows(assignments.len());
    let plane = points.select(ndarray::Axis(0), &rows);
    let class_names: Vec<String> = (0..k).map(|c| format!("class {c}")).collect();
    let classes: Array1<Option<u32>> = assignments.iter().map(|&c| Some(c)).collect();
    let input = MapInput {
        rows: &rows,
        points: plane.view(),
        about: "First two principal components of the latent space".into(),
        axes: ["component 1, 61 % of the variance".into(), "component 2, 24 %".into()],
        labels: Some((&class_names, classes.view())),
    };
    let mut page = Page::new(title, clusters);
    let mut map = Map::new(&input, &subject, &page.clusters).expect("fits");
    // Not a layout that any method makes, but another one.
    let points = map.points.iter().map(|[x, y]| [y + 0.2 * x * x, *x]).collect();
    map.more = vec![Layout { name: "t-SNE".into(), about: "t-SNE of the latent space".into(), points }];
    page.map = Some(map);
    page.generated = generated(data, &page.clusters);
    page.mean_images = MeanImage::of(&subject).expect("drawn");
    page.rows = RowFacts::of(&subject.data, &page.clusters).expect("drawn");
    page.confidence =
        Some(ConfidenceCounts::new(gamma.rows().into_iter().map(|r| r.iter().copied().fold(0.0, f32::max))));
    fill(&mut page);
    page
}

/// What a model might draw: the first rows of the data.
fn generated(data: &Data<'_>, clusters: &Clusters) -> Option<Generated> {
    let x = match data {
        Data::Table(_) => read(&csv()).0.slice(ndarray::s![..6, ..]).to_owned(),
        Data::Documents(documents) => Array2::ones((6, documents.terms.len())),
        Data::Images(_) => return None,
    };
    let part = |from: usize| x.slice(ndarray::s![from..from + 3, ..]).to_owned();
    let made = Made { samples: vec![(0, part(0)), (1, part(1))], walks: vec![([0, 1], part(3))] };
    // Of tables with other columns than the customers' there are none.
    Generated::of(data, clusters, &made).ok().flatten()
}

/// The parts of a page that have nothing to do with its rows.
fn fill(page: &mut Page) {
    page.scores =
        Some(Scores { acc: 0.9412, nmi: 0.8765, ari: 0.8921, purity: 0.9412, start_acc: Some(0.871) });
    page.warnings = vec!["the training moved 31.20 % of the rows, and the data's neighbours agree less with what came of it: try --set train.epochs=10".into()];
    let fact = |name: &str, value: &str| Fact { name: name.into(), value: value.into() };
    page.facts = vec![
        fact("data", "1,000 samples, 10 features"),
        fact("preset, profile", "none, standard"),
        fact("seed", "0"),
        fact("confidence", "0.982 on average; below 0.9 for 93 samples, below 0.5 for 0"),
        fact("computing time", "94 s (CPU 2.9 min)"),
        fact("peak memory", "241 MiB"),
        fact("version", "vae 0.1.0 at commit 0123456789, libtorch 2.11.0"),
    ];
    page.data_notes =
        vec!["column `income (EUR)`: 4 rows of 1,000 are missing and were imputed from near rows".into()];
    let phase = |name: &str, epochs, loss, note: &str| Phase {
        name: name.into(),
        epochs,
        final_loss_nats: loss,
        time: "41 s".into(),
        note: note.into(),
    };
    page.phases = vec![
        phase("pretrain", 300, Some(12.4182), "from the cache"),
        phase("init", 0, None, ""),
        phase("train", 120, Some(11.0215), ""),
    ];
    let curve = |phase: &str, name: &str, low: f64, high: f64, rate: f64| Curve {
        phase: phase.into(),
        name: name.into(),
        points: (1..=120)
            .map(|e| (f64::from(e), low + (high - low) * (-rate * f64::from(e)).exp()))
            .collect(),
    };
    page.curves = vec![
        curve("pretrain", "loss", 12.4, 31.0, 0.08),
        curve("train", "loss", 11.0, 14.2, 0.05),
        curve("train", "reconstruction", 8.1, 9.5, 0.05),
        curve("train", "kl", 2.9, 0.4, 0.1),
        curve("scores", "ACC", 0.9412, 0.871, 0.1),
    ];
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"560\" height=\"120\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/><text x=\"12\" y=\"24\">Clusters and classes</text><rect x=\"20\" y=\"40\" width=\"200\" height=\"60\" fill=\"#3b6fb6\"/></svg>";
    let picture = |title: &str, shows_rows| Picture { title: title.into(), svg: svg.into(), shows_rows };
    page.pictures = vec![picture("Clusters and classes", false), picture("Samples of each cluster", true)];
    page.configuration =
        "[model.vade]\nlatent_dim = 10\n\n[train]\nepochs = 120 # <b>not</b> the default\n".into();
}

/// The page about the customers.
pub fn customers() -> Page {
    let (x, schema, ids) = read(&csv());
    let assignments = (0..4 * SIZE).map(|i| (i % 4) as u32).collect();
    let table = Table::new(x.view(), &schema).expect("fits");
    page_of("vade on customers.csv", &Data::Table(table), &assignments, 4, Some(&ids))
}

/// A page about made documents.
pub fn documents() -> Page {
    let topics = [
        ["goal", "match", "team", "season", "league", "coach"],
        ["vote", "party", "election", "minister", "budget", "law"],
        ["protein", "cell", "gene", "enzyme", "tissue", "dose"],
    ];
    let mut terms: Vec<String> = topics.concat().iter().map(|t| (*t).to_owned()).collect();
    terms.extend(["the", "said", "new"].map(str::to_owned));
    let (mut indptr, mut indices, mut values, mut texts) = (vec![0], vec![], vec![], vec![]);
    let mut random = Uniform::new(11);
    let n = 600;
    for i in 0..n {
        let mut counts = vec![0.0f32; terms.len()];
        let mut words = Vec::new();
        for _ in 0..24 {
            let at = match random.next() {
                p if p < 0.45 => 6 * (i % 3) + (6.0 * random.next().powi(2)) as usize,
                p if p < 0.55 => (18.0 * random.next()) as usize,
                _ => 18 + (3.0 * random.next()) as usize,
            };
            counts[at] += 1.0;
            words.push(terms[at].clone());
        }
        texts.push(words.join(" "));
        for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            indices.push(at as u32);
            values.push(*count);
        }
        indptr.push(indices.len());
    }
    let weights = Csr { indptr, indices, values, n_columns: terms.len() };
    let assignments = (0..n).map(|i| (i % 3) as u32).collect();
    let data = Data::Documents(Documents { weights: &weights, terms: &terms, texts: Some(&texts) });
    page_of("dgg on articles", &data, &assignments, 3, None)
}

/// A page about images of bars and blobs.
pub fn images() -> Page {
    let shape = ImageShape { channels: 1, height: 28, width: 28 };
    let mut random = Uniform::new(5);
    let n = 1200;
    let mut x = Array2::<f32>::zeros((n, shape.dim()));
    for (i, mut row) in x.rows_mut().into_iter().enumerate() {
        let (cy, cx) = (13.5 + 2.0 * random.normal(), 13.5 + 2.0 * random.normal());
        for (at, v) in row.iter_mut().enumerate() {
            let (dy, dx) = ((at / 28) as f64 - cy, (at % 28) as f64 - cx);
            let square = match i % 3 {
                0 => (dy / 2.0).powi(2) + (dx / 7.0).powi(2),
                1 => (dy / 7.0).powi(2) + (dx / 2.0).powi(2),
                _ => ((dy.hypot(dx) - 7.0) / 1.8).powi(2),
            };
            *v = (-square).exp() as f32;
        }
    }
    let assignments = (0..n).map(|i| (i % 3) as u32).collect();
    page_of("vade on strokes", &Data::Images(Images { x: x.view(), shape }), &assignments, 3, None)
}

/// A page about 70,000 rows with long names, forty columns and fifty clusters.
pub fn large(text: &str) -> Page {
    let (n, d) = (70_000, 40);
    let mut random = Uniform::new(2);
    let assignments: Array1<u32> = (0..n).map(|i| (i % 50) as u32).collect();
    let x =
        Array2::from_shape_fn((n, d), |(i, j)| (f64::from((i % 50 == j) as u8) * 5.0 + random.next()) as f32);
    let schema = Schema::plain(true, (0..d).map(|j| format!("{text}{j}")));
    let ids: Vec<String> = (0..n).map(|i| format!("{text}{i}")).collect();
    let table = Table::new(x.view(), &schema).expect("fits");
    page_of(text, &Data::Table(table), &assignments, 50, Some(&ids))
}

/// Three runs of 1,000 samples: the second splits two clusters of the first, the third has three.
pub fn comparison() -> Comparison {
    let n = 4 * SIZE;
    let mut random = Uniform::new(9);
    let first: Vec<u32> = (0..n).map(|i| (i % 4) as u32).collect();
    let second: Vec<u32> = first
        .iter()
        .enumerate()
        .map(|(i, &c)| match (c, random.next() < 0.02) {
            (0 | 3, true) => 2,
            (0, _) => {
                if i % 8 == 0 {
                    5
                } else {
                    0
                }
            }
            (3, _) => {
                if i % 12 == 3 {
                    4
                } else {
                    3
                }
            }
            (c, _) => c,
        })
        .collect();
    let third: Vec<u32> = second.iter().map(|&c| [7, 7, 8, 9, 9, 7][c as usize]).collect();
    let clusters = [first, second, third];
    let runs = clusters.iter().enumerate().map(|(at, clusters)| run(at, clusters)).collect();
    let pair = |a: usize, b: usize, ari: f64, kept: Vec<[u32; 2]>, split: Vec<Parts>, merged: Vec<Parts>| {
        let flows = flows(&clusters[a], &clusters[b]);
        Pair { a, b, ari, nmi: ari + 0.05, acc: ari, kept, split, merged, flows }
    };
    let parts = |cluster, parts: &[u32]| Parts { cluster, parts: parts.to_vec() };
    let splits = vec![parts(0, &[0, 5]), parts(3, &[3, 4])];
    let mergers = vec![parts(7, &[0, 1, 5]), parts(9, &[3, 4])];
    let square = |a: f64, b: f64, c: f64| vec![vec![1.0, a, b], vec![a, 1.0, c], vec![b, c, 1.0]];
    Comparison {
        schema: vae_report::comparison::SCHEMA,
        dataset: Some("customers.csv".into()),
        n,
        runs,
        ari: square(0.81, 0.64, 0.52),
        nmi: square(0.86, 0.69, 0.57),
        acc: square(0.81, 0.64, 0.52),
        pairs: vec![
            pair(0, 1, 0.81, vec![[1, 1], [2, 2]], splits, vec![]),
            pair(0, 2, 0.64, vec![[2, 8], [3, 9]], vec![], vec![parts(7, &[0, 1])]),
            pair(1, 2, 0.52, vec![[2, 8]], vec![], mergers),
        ],
    }
}

fn run(at: usize, clusters: &[u32]) -> Run {
    let mut sizes = BTreeMap::new();
    clusters.iter().for_each(|&c| *sizes.entry(c).or_insert(0) += 1);
    let (method, k, loss) = [("vade", 4, 12.4182), ("dgg", 6, 12.9), ("kmeans", 3, 0.0)][at];
    let scores = Scores { acc: 0.9412, nmi: 0.8765, ari: 0.8921, purity: 0.9412, start_acc: None };
    Run {
        run: format!("runs/{method}-k{k}"),
        method: Some(method.into()),
        seed: Some(at as u64),
        n_clusters: sizes.len(),
        sizes,
        names: if at == 0 { ClusterNames::from([(0, "young".to_owned())]) } else { ClusterNames::new() },
        loss_nats: (at < 2).then_some(loss),
        criteria: BTreeMap::from([
            ("smallest_share".to_owned(), 0.1),
            ("effective_clusters".to_owned(), k as f64),
        ]),
        scores: (at == 0).then_some(scores),
    }
}

fn flows(a: &[u32], b: &[u32]) -> Vec<Flow> {
    let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    a.iter().zip(b).for_each(|(&a, &b)| *counts.entry((a, b)).or_insert(0) += 1);
    let size = |of: &[u32], cluster: u32| of.iter().filter(|&&c| c == cluster).count() as f64;
    let flow = |((one, other), count): ((u32, u32), u64)| {
        let (share_of_a, share_of_b) = (count as f64 / size(a, one), count as f64 / size(b, other));
        let change = match (share_of_a >= 0.8, share_of_b >= 0.8) {
            (true, true) => Change::Kept,
            (false, true) => Change::Split,
            (true, false) => Change::Merged,
            (false, false) => Change::Mixed,
        };
        Flow { a: one, b: other, count, share_of_a, share_of_b, change }
    };
    let mut all: Vec<Flow> = counts.into_iter().map(flow).collect();
    all.sort_by_key(|flow| std::cmp::Reverse(flow.count));
    all
}
