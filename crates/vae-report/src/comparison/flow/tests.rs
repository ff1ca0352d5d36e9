//! Places of the flow diagram against what they must be.

use super::*;
use crate::comparison::Change;
use proptest::prelude::*;

/// Sizes and flows between consecutive clusterings of the same samples, by counting.
fn of(runs: &[Vec<u32>]) -> (Vec<BTreeMap<u32, usize>>, Vec<Vec<Flow>>) {
    let count = |run: &Vec<u32>| {
        let mut sizes = BTreeMap::new();
        run.iter().for_each(|&c| *sizes.entry(c).or_insert(0) += 1);
        sizes
    };
    let flows = |pair: &[Vec<u32>]| {
        let mut counts = BTreeMap::new();
        pair[0].iter().zip(&pair[1]).for_each(|ab| *counts.entry(ab).or_insert(0) += 1);
        let flow =
            |((&a, &b), count)| Flow { a, b, count, share_of_a: 0.0, share_of_b: 0.0, change: Change::Mixed };
        counts.into_iter().map(flow).collect()
    };
    (runs.iter().map(count).collect(), runs.windows(2).map(flows).collect())
}

fn laid_out(runs: &[Vec<u32>]) -> Layout {
    let (sizes, flows) = of(runs);
    layout(&sizes, &flows)
}

fn order(column: &[Bar]) -> Vec<u32> {
    column.iter().map(|bar| bar.cluster).collect()
}

#[test]
fn renumbered_clusters_do_not_cross_and_keep_their_colours() {
    let a = vec![0, 0, 0, 1, 1, 2, 2, 2, 2];
    let b = vec![2, 2, 2, 0, 0, 1, 1, 1, 1];
    let (sizes, flows) = of(&[a.clone(), b.clone()]);
    let layout = layout(&sizes, &flows);
    assert_eq!(crossings(&layout.columns, &flows), 0);
    // By their numbers alone, three pairs of bands would cross twice.
    let by_number = laid_out(&[a.clone(), a]).columns;
    let left = by_number[0].clone();
    let right = left.clone();
    assert_eq!(crossings(&[left, right], &flows), 3 * 2 + 3 * 4);
    for band in &layout.gaps[0] {
        assert!((band.from - band.to).abs() < 1e-9, "straight: {band:?}");
    }
    let colour = |column: usize, cluster: u32| {
        layout.columns[column].iter().find(|bar| bar.cluster == cluster).expect("a bar").colour
    };
    for (from, to) in [(0, 2), (1, 0), (2, 1)] {
        assert_eq!(colour(1, to), colour(0, from));
        assert_eq!(colour(0, from), from as usize);
    }
}

#[test]
fn a_split_lies_beside_itself_and_only_its_larger_part_keeps_the_colour() {
    // Cluster 0 becomes 0 and 3, cluster 1 becomes 1: a run of two clusters and one of three.
    let a = vec![0, 0, 0, 0, 0, 1, 1, 1];
    let b = vec![0, 0, 0, 3, 3, 1, 1, 1];
    let layout = laid_out(&[a, b]);
    assert_eq!((layout.columns[0].len(), layout.columns[1].len()), (2, 3));
    let right = order(&layout.columns[1]);
    let at = |cluster: u32| right.iter().position(|&c| c == cluster).expect("there");
    assert_eq!(at(0).abs_diff(at(3)), 1, "{right:?}");
    let colours: BTreeMap<u32, usize> =
        layout.columns[1].iter().map(|bar| (bar.cluster, bar.colour)).collect();
    assert_eq!(colours, BTreeMap::from([(0, 0), (1, 1), (3, 2)]));
    // Five of eight samples are five eighths of the bars' height.
    let height = |column: usize| layout.columns[column].iter().map(|bar| bar.height).sum::<f64>();
    assert!(
        (layout.columns[0].iter().find(|b| b.cluster == 0).expect("0").height - HEIGHTS.0 * 0.625).abs()
            < 1e-9
    );
    assert!((height(0) - height(1)).abs() < 1e-9, "one scale");
}

#[test]
fn mergers_of_clusters_that_are_far_apart_do_not_cross() {
    let a = vec![0, 0, 1, 1, 2, 2, 3, 3];
    let b = vec![0, 0, 1, 1, 1, 1, 0, 0];
    let (sizes, flows) = of(&[a, b]);
    assert_eq!(crossings(&layout(&sizes, &flows).columns, &flows), 0);
}

#[test]
fn nothing_is_no_trouble() {
    assert_eq!(layout(&[], &[]).columns.len(), 0);
    let empty = layout(&[BTreeMap::new(), BTreeMap::new()], &[vec![]]);
    assert_eq!((empty.columns.len(), empty.gaps[0].len()), (2, 0));
    // A flow of a cluster that has no size, as in a damaged file.
    let (sizes, mut flows) = of(&[vec![0, 1], vec![0, 1]]);
    flows[0][0].b = 77;
    assert_eq!(layout(&sizes, &flows).gaps[0].len(), 1);
}

proptest! {
    #[test]
    fn bars_and_bands_fill_each_other(
        runs in (1usize..60).prop_flat_map(|n| {
            prop::collection::vec(prop::collection::vec(0u32..9, n), 1..5)
        }),
    ) {
        let (sizes, flows) = of(&runs);
        let layout = layout(&sizes, &flows);
        for column in &layout.columns {
            prop_assert!(column.first().is_some_and(|bar| bar.y >= -1e-6));
            for pair in column.windows(2) {
                let gap = pair[1].y - pair[0].y - pair[0].height;
                prop_assert!((gap - GAP).abs() < 1e-6, "bars do not touch: {}", gap);
            }
            prop_assert!(column.last().is_some_and(|bar| bar.y + bar.height <= layout.height + 1e-6));
            let colours: BTreeSet<usize> = column.iter().map(|bar| bar.colour).collect();
            prop_assert_eq!(colours.len(), column.len(), "a colour is there once in a column");
        }
        for (gap, flows) in layout.gaps.iter().zip(&flows) {
            prop_assert_eq!(gap.len(), flows.len());
        }
        for (i, (gap, flows)) in layout.gaps.iter().zip(&flows).enumerate() {
            for (column, is_left) in [(&layout.columns[i], true), (&layout.columns[i + 1], false)] {
                for bar in column {
                    let mut ends: Vec<(f64, f64)> = gap
                        .iter()
                        .filter(|band| bar.cluster == if is_left { flows[band.flow].a } else { flows[band.flow].b })
                        .map(|band| (if is_left { band.from } else { band.to }, band.height))
                        .collect();
                    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
                    let mut y = bar.y;
                    for (from, height) in ends {
                        prop_assert!((from - y).abs() < 1e-6, "bands lie beside each other");
                        y += height;
                    }
                    prop_assert!((y - bar.y - bar.height).abs() < 1e-6, "and fill their bar");
                }
            }
        }
        prop_assert_eq!(layout, super::layout(&sizes, &flows.clone()));
    }
}
