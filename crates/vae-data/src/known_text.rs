//! Known sets of documents: Reuters-21578 and RCV1, through the one text pipeline.

use crate::error::Result;
use crate::known::Folder;
use crate::labels::RawLabels;
use crate::memory;
use crate::numpy::permutation;
use crate::read::rcv1::{Judgements, Piece};
use crate::read::{rcv1, reuters21578};
use crate::registry::Sample;
use crate::text::{Columns, TextSet};

/// Token files of RCV1 in the order of DEC's script: the four test parts, then the training part.
const TOKEN_FILES: [&str; 5] = [
    "lyrl2004_tokens_test_pt0.dat",
    "lyrl2004_tokens_test_pt1.dat",
    "lyrl2004_tokens_test_pt2.dat",
    "lyrl2004_tokens_test_pt3.dat",
    "lyrl2004_tokens_train.dat",
];

/// Whether the folder has Reuters-21578's file names.
pub(crate) fn is_reuters21578_folder(folder: Folder<'_>) -> bool {
    folder.find("reut2-000.sgm").is_ok()
}

/// Whether the folder has RCV1's file names.
pub(crate) fn is_rcv1_folder(folder: Folder<'_>) -> bool {
    folder.find("rcv1-v2.topics.qrels").is_ok()
}

/// Reads the documents of Reuters-21578 that fall into one group of topics, in the order of the
/// files.
pub(crate) fn read_reuters21578(folder: Folder<'_>, columns: &Columns) -> Result<TextSet> {
    let groups = folder.read("cat-descriptions_120396.txt", reuters21578::read_groups)?;
    let mut corpus = columns.corpus().with_beginnings();
    let mut labels = Vec::new();
    for i in 0..22 {
        let name = format!("reut2-{i:03}.sgm");
        let path = folder.find(&name)?;
        folder.read(&name, |input| {
            reuters21578::read(input, &groups, |text, group| {
                memory::push(&mut labels, group).map_err(|short| short.at(&path))?;
                let step = corpus.text(text).and_then(|()| corpus.end_document());
                step.map_err(|problem| problem.at(&path))
            })
        })?;
    }
    columns.weigh(corpus, folder.path, Some(RawLabels::Ints(labels)))
}

/// Reads the documents of RCV1 with exactly one root topic. Terms and weights are those of all
/// documents; a sample is taken of the weighted rows, as in DEC's script.
pub(crate) fn read_rcv1(folder: Folder<'_>, columns: &Columns) -> Result<TextSet> {
    let judgements = folder.read("rcv1-v2.topics.qrels", Judgements::read)?;
    let mut corpus = columns.corpus();
    let mut labels = Vec::new();
    for name in TOKEN_FILES {
        let mut take = |piece: Piece<'_>| match piece {
            Piece::Tokens(line) => corpus.text(line),
            Piece::End(class) => {
                memory::push(&mut labels, class)?;
                corpus.end_document()
            }
        };
        folder.read(name, |input| rcv1::read(input, &judgements, &mut take))?;
    }
    drop(judgements);
    let set = columns.weigh(corpus, folder.path, None)?;
    let Some(Sample { rows, seed }) = folder.entry.and_then(|entry| entry.sample) else {
        return Ok(TextSet { labels: Some(RawLabels::Ints(labels)), ..set });
    };
    // At most 20 million documents, see `Corpus`.
    let order: Vec<usize> =
        permutation(seed, labels.len() as u32).into_iter().take(rows).map(|i| i as usize).collect();
    let labels = order.iter().map(|i| labels[*i]).collect();
    Ok(TextSet { x: set.x.select(order), labels: Some(RawLabels::Ints(labels)), ..set })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::registry::registry;

    /// A sample is rows of the whole: the same weights, in the order of the permutation.
    #[test]
    fn a_sample_of_rcv1_is_drawn_from_the_weighted_rows() {
        let dir = tempfile::tempdir().expect("folder");
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("file");
        TOKEN_FILES.iter().for_each(|name| put(name, ""));
        put("lyrl2004_tokens_test_pt3.dat", ".I 5\n.W\nbank rate\n.I 6\n.W\nrate\n.I 7\n.W\nrise bank\n");
        put("rcv1-v2.topics.qrels", "CCAT 5 1\nGCAT 6 1\nECAT 7 1\n");
        let columns = Columns::Own(10);
        let mut entry = registry().get("rcv1-10k").expect("known").clone();
        let whole = read_rcv1(Folder { path: dir.path(), entry: None }, &columns).expect("sound");
        entry.sample = Some(Sample { rows: 2, seed: 1234 });
        let sample = read_rcv1(Folder { path: dir.path(), entry: Some(&entry) }, &columns).expect("sound");
        let order = permutation(1234, 3);
        assert_eq!(sample.x, whole.x.select(order[..2].iter().map(|i| *i as usize)));
        assert_eq!(sample.vocabulary, whole.vocabulary);
        let classes = [0, 1, 3];
        let expected = order[..2].iter().map(|i| classes[*i as usize]).collect();
        assert_eq!(sample.labels, Some(RawLabels::Ints(expected)));
    }
}
