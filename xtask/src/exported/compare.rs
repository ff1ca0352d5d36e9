//! Whether two programs say the same of rows.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// Largest difference of probabilities, and least margin of a cluster that must be the same.
const TOLERANCE: f64 = 1e-4;

/// Least range of a probability over the rows: a fit whose rows are all alike compares nothing.
const LEAST_RANGE: f64 = 0.02;

/// Largest difference of codes, in units of 1 plus their size.
const CODE_TOLERANCE: f64 = 1e-3;

/// The assignments of a program.
#[derive(Debug)]
pub struct Table {
    /// Names of the rows: the first column, where `index` is the second.
    ids: Option<Vec<String>>,
    clusters: Vec<u32>,
    names: Option<Vec<String>>,
    /// `p0`, `p1`, … of each row, or the scores `s0`, `s1`, …
    scores: Vec<Vec<f64>>,
    are_probabilities: bool,
}

/// How well two programs agree.
#[derive(Debug, PartialEq)]
pub struct Agreement {
    rows: usize,
    /// Rows in another cluster, all of them with a margin within the tolerance.
    differing: usize,
    /// Largest difference of probabilities.
    off: Option<f64>,
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.rows)?;
        if self.differing > 0 {
            write!(f, ", {} between two clusters differ", self.differing)?;
        }
        self.off.map_or(Ok(()), |off| write!(f, ", probabilities within {off:.0e}"))
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

impl Table {
    /// Reads what either program wrote.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read(path)?).with_context(|| format!("{} is no table of assignments", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().context("it is empty")?;
        let place = |name: &str| header.iter().position(|field| *field == name);
        let cluster = place("cluster").context("no column `cluster`")?;
        let numbered = |letter: &str| -> Vec<usize> {
            (0..).map_while(|k: usize| place(&format!("{letter}{k}"))).collect()
        };
        let (probabilities, scores) = (numbered("p"), numbered("s"));
        let are_probabilities = scores.is_empty();
        let columns = if are_probabilities { probabilities } else { scores };
        let rows: Vec<Vec<&str>> = lines.collect();
        ensure!(rows.iter().all(|row| row.len() == header.len()), "rows differ in their numbers of fields");
        let clusters = rows.iter().map(|row| Ok(row[cluster].parse()?)).collect::<Result<_>>()?;
        let named = place("index") == Some(1);
        let ids = named.then(|| rows.iter().map(|row| row[0].to_owned()).collect());
        let names = place("cluster_name").map(|at| rows.iter().map(|row| row[at].to_owned()).collect());
        let numbers = |row: &Vec<&str>| columns.iter().map(|&at| Ok(row[at].parse()?)).collect();
        let scores = rows.iter().map(numbers).collect::<Result<_>>()?;
        Ok(Self { ids, clusters, names, scores, are_probabilities })
    }

    /// Whether the scores are probabilities.
    pub fn has_probabilities(&self) -> bool {
        self.are_probabilities
    }

    /// Refuses rows that are all alike, of which nothing can be learnt.
    pub fn require_variety(&self) -> Result<()> {
        let is_one = self.clusters.windows(2).all(|pair| pair[0] == pair[1]);
        ensure!(self.are_probabilities || !is_one, "all rows are in one cluster: nothing is compared");
        let columns = self.scores.first().map_or(0, Vec::len);
        let range = |k: usize| {
            let of = |row: &Vec<f64>| row[k];
            let (low, high) =
                self.scores.iter().map(of).fold((f64::MAX, f64::MIN), |(l, h), p| (l.min(p), h.max(p)));
            high - low
        };
        let widest = (0..columns).map(range).fold(0.0, f64::max);
        ensure!(
            !self.are_probabilities || widest >= LEAST_RANGE,
            "the probabilities of all rows are alike: nothing is compared"
        );
        Ok(())
    }

    /// How clearly row `i` is in its cluster: the largest probability less the second largest; of
    /// scores, relative to their size.
    fn margin(&self, i: usize) -> f64 {
        let mut scores = self.scores[i].clone();
        scores.sort_by(|a, b| b.total_cmp(a));
        match (self.are_probabilities, &scores[..]) {
            (true, [first, second, ..]) => first - second,
            (false, [first, second, ..]) => (first - second) / second.abs().max(f64::MIN_POSITIVE),
            _ => f64::INFINITY,
        }
    }

    /// Refuses other clusters where the margin is above the tolerance, other probabilities, and
    /// other names of clusters and rows.
    pub fn agrees_with(&self, vae: &Self) -> Result<Agreement> {
        let rows = self.clusters.len();
        ensure!(rows > 0 && rows == vae.clusters.len(), "{rows} rows here, {} there", vae.clusters.len());
        ensure!(
            self.ids == vae.ids,
            "the names of the rows differ: {:?} here, {:?} there",
            self.ids,
            vae.ids
        );
        let mut agreement = Agreement { rows, differing: 0, off: self.are_probabilities.then_some(0.0) };
        for i in 0..rows {
            if self.clusters[i] != vae.clusters[i] {
                let margin = self.margin(i);
                ensure!(
                    margin <= TOLERANCE,
                    "row {i} is in cluster {} by a margin of {margin:.1e}, `vae` says {}",
                    self.clusters[i],
                    vae.clusters[i]
                );
                agreement.differing += 1;
            } else if let (Some(own), Some(names)) = (&self.names, &vae.names) {
                ensure!(own[i] == names[i], "row {i}: the name `{}`, `vae` says `{}`", own[i], names[i]);
            }
            if let Some(off) = &mut agreement.off {
                let (own, other) = (&self.scores[i], &vae.scores[i]);
                ensure!(own.len() == other.len(), "{} probabilities here, {} there", own.len(), other.len());
                // What is no number differs from everything.
                let apart = own.iter().zip(other).map(|(a, b)| (a - b).abs());
                *off = apart.fold(*off, |off, d| if d.is_nan() { f64::INFINITY } else { off.max(d) });
            }
        }
        match agreement.off {
            Some(off) if off > TOLERANCE => {
                bail!("probabilities differ by {off:.1e}, at most {TOLERANCE:.0e} is expected")
            }
            _ => Ok(agreement),
        }
    }
}

/// The latent codes that a program wrote: numbers, or below a header the names of the rows before
/// them.
#[derive(Debug)]
pub struct Codes(Vec<Vec<f64>>);

impl Codes {
    /// Reads numbers with commas between.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read(path)?).with_context(|| format!("{} is no table of numbers", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let is_number = |field: &str| field.parse::<f64>().is_ok();
        let above = usize::from(!text.lines().next().is_some_and(|line| line.split(',').all(is_number)));
        let numbers =
            |line: &str| line.split(',').skip(above).map(|field| Ok(field.parse()?)).collect::<Result<_>>();
        Ok(Self(text.lines().skip(above).map(numbers).collect::<Result<_>>()?))
    }

    /// Refuses other codes, but for rows between two clusters: there a code may depend on the
    /// cluster.
    pub fn agree_with(&self, vae: &Self, table: &Table) -> Result<()> {
        let shape = |codes: &Self| (codes.0.len(), codes.0.first().map_or(0, Vec::len));
        ensure!(shape(self) == shape(vae), "codes of shape {:?} here, {:?} there", shape(self), shape(vae));
        for (i, (own, other)) in self.0.iter().zip(&vae.0).enumerate() {
            let off = own.iter().zip(other).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f64::max);
            let is_sure = table.margin(i) > TOLERANCE;
            ensure!(!is_sure || off <= CODE_TOLERANCE, "the code of row {i} differs by {off:.1e}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::parse(text).unwrap()
    }

    #[test]
    fn equal_tables_agree_whatever_their_columns_are() {
        let own = table("key,index,cluster,cluster_name,p0,p1\nx,0,1,b,0.3,0.7\ny,1,0,,0.99999,0.00001\n");
        let vae = table("key,index,cluster,cluster_name,p0,p1\nx,0,1,b,0.30005,0.69995\ny,1,0,,1,0\n");
        let found = own.agrees_with(&vae).unwrap();
        assert_eq!((found.rows, found.differing), (2, 0));
        assert!((found.off.unwrap() - 5e-5).abs() < 1e-9, "{found}");
    }

    #[test]
    fn rows_have_the_same_names() {
        let own = table("key,index,cluster,p0\nx,0,0,1\n");
        for other in ["key,index,cluster,p0\ny,0,0,1\n", "index,cluster,p0\n0,0,1\n"] {
            let refused = own.agrees_with(&table(other)).map(|found| found.to_string());
            assert!(
                refused.is_err_and(|e| e.to_string().contains("the names of the rows differ")),
                "{other}"
            );
        }
    }

    #[test]
    fn what_differs_is_told() {
        let own = table("cluster,cluster_name,p0,p1\n1,b,0.3,0.7\n");
        for (other, why) in [
            ("cluster,cluster_name,p0,p1\n0,b,0.3,0.7\n", "margin of 4.0e-1"),
            ("cluster,cluster_name,p0,p1\n1,c,0.3,0.7\n", "the name `b`"),
            ("cluster,cluster_name,p0,p1\n1,b,0.3002,0.6998\n", "differ by 2.0e-4"),
            ("cluster,cluster_name,p0,p1\n1,b,0.3,NaN\n", "differ by inf"),
            ("cluster,cluster_name,p0,p1\n1,b,0.3,0.7\n1,b,0.3,0.7\n", "1 rows here, 2 there"),
            ("cluster,cluster_name,p0\n1,b,0.3\n", "2 probabilities here, 1 there"),
        ] {
            let refused = own.agrees_with(&table(other)).map(|found| found.to_string());
            assert!(refused.as_ref().is_err_and(|e| e.to_string().contains(why)), "{other} {refused:?}");
        }
    }

    #[test]
    fn between_two_clusters_either_will_do() {
        let own = table("cluster,p0,p1\n1,0.49996,0.50004\n");
        let found = own.agrees_with(&table("cluster,p0,p1\n0,0.50001,0.49999\n")).unwrap();
        assert_eq!(found.differing, 1);
        // Scores are compared by their margin relative to their size.
        let own = table("cluster,s0,s1\n1,-2.0001,-2\n0,-1,-2\n");
        assert!(!own.has_probabilities());
        assert_eq!(own.agrees_with(&table("cluster\n0\n0\n")).unwrap().differing, 1);
        assert!(own.agrees_with(&table("cluster\n1\n1\n")).is_err());
    }

    #[test]
    fn rows_that_are_all_alike_compare_nothing() {
        for (text, is_enough) in [
            ("cluster,p0,p1\n0,0.9,0.1\n1,0.2,0.8\n", true),
            ("cluster,p0,p1\n0,0.505,0.495\n1,0.495,0.505\n", false),
            ("cluster,p0,p1\n0,0.9,0.1\n0,0.6,0.4\n", true),
            ("cluster,s0,s1\n0,-1,-2\n1,-2,-1\n", true),
            ("cluster,s0,s1\n0,-1,-2\n0,-1,-3\n", false),
        ] {
            assert_eq!(table(text).require_variety().is_ok(), is_enough, "{text}");
        }
    }

    #[test]
    fn codes_are_compared_where_the_cluster_is_sure() {
        let codes = |a: f64, b: f64| Codes(vec![vec![a], vec![b]]);
        let sure = table("cluster,p0,p1\n0,0.9,0.1\n0,0.5,0.5\n");
        assert!(codes(1.0, 5.0).agree_with(&codes(1.001, 9.0), &sure).is_ok());
        assert!(codes(1.0, 5.0).agree_with(&codes(1.01, 5.0), &sure).is_err());
        assert!(codes(1.0, 5.0).agree_with(&Codes(vec![vec![1.0]]), &sure).is_err());
        assert_eq!(Codes::parse("id,z1\nx,1\ny,5\n").unwrap().0, Codes::parse("1\n5\n").unwrap().0);
    }
}
