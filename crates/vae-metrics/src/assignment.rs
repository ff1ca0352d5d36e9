//! The one-to-one matching of clusters and classes with the most points, by one of two exact
//! solvers.
//!
//! Small tables go to `hungarian` (Kuhn 1955), which works on integers but takes nearly the fourth
//! power of the number of groups. Large ones go to `lapjv` (Jonker & Volgenant 1987), about the
//! third power, on a square matrix of `f64`: counts below 2^53, which all counts of points are, are
//! exact there, and so are their differences.

use ndarray::Array2;

use crate::contingency::Cell;
use crate::error::{Error, Result};

/// Most cells that `hungarian` gets: 64 groups on either side. 256 random ones took it 0.1 to 0.4
/// s, `lapjv` a millisecond.
const SMALL_CELLS: usize = 1 << 12;

/// Most bytes that a table with a one-to-one matching may take: 2 GiB.
///
/// The matching works on a square table of 8 bytes a cell. Its side is the larger of the numbers of
/// clusters and classes, but at most the square of the smaller one; so the limit is met by 16,384
/// groups on both sides, and 128 classes are matched to any number of clusters.
pub const MAX_MATCHING_BYTES: usize = 1 << 31;

/// The class column of each cluster row of a table `[n_clusters, n_classes]` with the non-zero
/// `cells`; `None` for rows that are left over. `min(n_clusters, n_classes)` rows have a column,
/// and no two the same.
pub(crate) fn best_matching(
    n_clusters: usize,
    n_classes: usize,
    cells: &[Cell],
) -> Result<Vec<Option<usize>>> {
    if n_clusters.saturating_mul(n_classes) <= SMALL_CELLS {
        Ok(by_hungarian(n_clusters, n_classes, cells))
    } else {
        by_lapjv(n_clusters, n_classes, cells)
    }
}

/// Refuses a table of `rows * columns` cells of 8 bytes above [`MAX_MATCHING_BYTES`].
pub(crate) fn check_bytes(rows: usize, columns: usize) -> Result<()> {
    let bytes = rows.saturating_mul(columns).saturating_mul(size_of::<f64>());
    if bytes > MAX_MATCHING_BYTES {
        return Err(Error::MatchingTooLarge { rows, columns, bytes, max_bytes: MAX_MATCHING_BYTES });
    }
    Ok(())
}

/// For small tables.
fn by_hungarian(n_clusters: usize, n_classes: usize, cells: &[Cell]) -> Vec<Option<usize>> {
    // The solver minimises, and takes negative costs for zero: so the distance from the largest
    // count.
    let largest = largest_count(cells);
    let mut costs = vec![largest; n_clusters * n_classes];
    for cell in cells {
        costs[cell.cluster * n_classes + cell.class] = largest - cell.count;
    }
    hungarian::minimize(&costs, n_clusters, n_classes)
}

/// For tables of any size that memory allows.
fn by_lapjv(n_clusters: usize, n_classes: usize, cells: &[Cell]) -> Result<Vec<Option<usize>>> {
    // Rows are the longer side: the solver is many times slower on a table that is filled up with
    // empty rows.
    let tall = n_clusters >= n_classes;
    let (n_long, n_short) = if tall { (n_clusters, n_classes) } else { (n_classes, n_clusters) };
    let sides = |cell: &Cell| if tall { (cell.cluster, cell.class) } else { (cell.class, cell.cluster) };

    let rows = candidates(n_long, n_short, cells, sides);
    let side = rows.len();
    check_bytes(side, side)?;
    let mut row_of = vec![None; n_long];
    rows.iter().enumerate().for_each(|(row, &long)| row_of[long] = Some(row));
    let largest = largest_count(cells) as f64;
    let mut costs = allocate(side, largest)?;
    for cell in cells {
        let (long, short) = sides(cell);
        if let Some(row) = row_of[long] {
            costs[[row, short]] = largest - cell.count as f64;
        }
    }

    let (column_of, _) =
        lapjv::lapjv(&costs).map_err(|error| Error::MatchingFailed { reason: error.to_string() })?;
    let mut matching = vec![None; n_clusters];
    for (row, &short) in column_of.iter().enumerate().filter(|&(_, &short)| short < n_short) {
        let (cluster, class) = if tall { (rows[row], short) } else { (short, rows[row]) };
        matching[cluster] = Some(class);
    }
    Ok(matching)
}

/// The members of the longer side that suffice for a best matching, ascending: at least `n_short`,
/// at most its square.
///
/// Each of the `n_short` columns needs its `n_short` largest cells only: the other columns take at
/// most `n_short - 1` of their rows, and whichever is left is at least as good as any row outside.
fn candidates(
    n_long: usize,
    n_short: usize,
    cells: &[Cell],
    sides: impl Fn(&Cell) -> (usize, usize),
) -> Vec<usize> {
    let mut of_column = vec![Vec::new(); n_short];
    for cell in cells {
        let (long, short) = sides(cell);
        of_column[short].push((std::cmp::Reverse(cell.count), long));
    }
    let mut wanted = vec![false; n_long];
    for mut column in of_column {
        column.sort_unstable();
        column.iter().take(n_short).for_each(|&(_, long)| wanted[long] = true);
    }
    let missing = n_short.saturating_sub(wanted.iter().filter(|&&wanted| wanted).count());
    wanted.iter_mut().filter(|wanted| !**wanted).take(missing).for_each(|wanted| *wanted = true);
    (0..n_long).filter(|&long| wanted[long]).collect()
}

/// A square of `value`, or an error where it cannot be allocated.
fn allocate(side: usize, value: f64) -> Result<Array2<f64>> {
    let n = side * side;
    let too_large = || Error::MatchingTooLarge {
        rows: side,
        columns: side,
        bytes: n * size_of::<f64>(),
        max_bytes: MAX_MATCHING_BYTES,
    };
    let mut cells = Vec::new();
    cells.try_reserve_exact(n).map_err(|_| too_large())?;
    cells.resize(n, value);
    Array2::from_shape_vec((side, side), cells).map_err(|_| too_large())
}

fn largest_count(cells: &[Cell]) -> u64 {
    cells.iter().map(|cell| cell.count).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Solver = fn(usize, usize, &[Cell]) -> Vec<Option<usize>>;

    /// Both solvers; the second one without the first's limit.
    const SOLVERS: [Solver; 2] = [by_hungarian, |n, k, cells| by_lapjv(n, k, cells).expect("small")];

    fn cells(counts: &[Vec<u64>]) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (cluster, row) in counts.iter().enumerate() {
            let of_row = row.iter().enumerate().map(|(class, &count)| Cell { cluster, class, count });
            cells.extend(of_row.filter(|cell| cell.count > 0));
        }
        cells
    }

    /// Points on the pairs of a matching that has been checked to be one-to-one and complete.
    fn total(counts: &[Vec<u64>], solver: Solver) -> u64 {
        let (n_clusters, n_classes) = (counts.len(), counts[0].len());
        let matching = solver(n_clusters, n_classes, &cells(counts));
        assert_eq!(matching.len(), n_clusters);
        let mut classes: Vec<usize> = matching.iter().flatten().copied().collect();
        classes.sort_unstable();
        classes.dedup();
        assert_eq!(classes.len(), n_clusters.min(n_classes));
        matching.iter().zip(counts).filter_map(|(&class, row)| Some(row[class?])).sum()
    }

    /// Most points by trying every injection of the rows into the columns, some rows left out.
    fn by_permutations(counts: &[Vec<u64>], row: usize, taken: &mut Vec<bool>) -> u64 {
        let Some(of_row) = counts.get(row) else { return 0 };
        let mut best = by_permutations(counts, row + 1, taken);
        for (class, &count) in of_row.iter().enumerate() {
            if !taken[class] {
                taken[class] = true;
                best = best.max(count + by_permutations(counts, row + 1, taken));
                taken[class] = false;
            }
        }
        best
    }

    /// Tables of up to `largest` rows and columns: few points and so many ties, up to a million,
    /// and anything `f64` holds.
    fn any_counts(largest: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
        let most = prop_oneof![Just(2_u64), Just(20), Just(1_000_000), Just(1 << 50)];
        (1..=largest, 1..=largest, most).prop_flat_map(|(rows, columns, most)| {
            prop::collection::vec(prop::collection::vec(0..most, columns), rows)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn both_solvers_find_the_best_of_all_permutations(counts in any_counts(6)) {
            let best = by_permutations(&counts, 0, &mut vec![false; counts[0].len()]);
            for solver in SOLVERS {
                prop_assert_eq!(total(&counts, solver), best);
            }
        }

        #[test]
        fn both_solvers_agree_on_rectangles(counts in any_counts(40)) {
            prop_assert_eq!(total(&counts, SOLVERS[0]), total(&counts, SOLVERS[1]));
        }

        #[test]
        fn both_solvers_agree_on_long_and_narrow_tables(
            counts in prop::collection::vec(prop::collection::vec(0_u64..9, 3), 1..200)
        ) {
            let turned: Vec<Vec<u64>> = (0..3).map(|j| counts.iter().map(|row| row[j]).collect()).collect();
            let best = total(&counts, SOLVERS[0]);
            prop_assert_eq!(total(&counts, SOLVERS[1]), best);
            prop_assert_eq!(total(&turned, SOLVERS[1]), best);
        }
    }

    #[test]
    fn a_long_table_is_cut_to_what_can_matter() {
        let counts: Vec<Vec<u64>> = (0..1000).map(|i| vec![i % 7, i % 5]).collect();
        let kept = candidates(1000, 2, &cells(&counts), |cell| (cell.cluster, cell.class));
        assert_eq!(kept, [4, 6, 9, 13]);
        // All points in one row: the other column still gets a row.
        let kept = candidates(3, 2, &[Cell { cluster: 1, class: 0, count: 5 }], |c| (c.cluster, c.class));
        assert_eq!(kept, [0, 1]);
    }
}
