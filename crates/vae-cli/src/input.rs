//! Data for a command: features for a method, and labels that stay here.

use crate::args::{FitArgs, FitSplit, ReadArgs};
use crate::output::remark;
use crate::ranges::Far;
use crate::run_folder::id_column;
use crate::run_record::missing_words;
use anyhow::{Context, Result, bail};
use ndarray::{Array1, s};
use std::path::Path;
use vae_core::{Features, ImageShape};
use vae_data::{
    DataSet, Ids, Labels, LoadOptions, Matrix, Note, Schema, Severity, Source, Stream, Vocabulary,
};

mod on_disk;

/// Terms and weights of the documents a model was fitted on, beside the model.
pub const VOCABULARY_FILE: &str = "vocabulary.tsv";

/// What the features a model was fitted on are made of, beside the model; only where the data were
/// a table.
pub const SCHEMA_FILE: &str = "schema.json";

/// Names of the features, one a line, as former versions wrote them where the data had a header.
const COLUMNS_FILE: &str = "columns.txt";

/// A loaded data set.
#[derive(Debug)]
pub struct Input {
    /// What a method may see.
    pub features: Features,
    /// What it may not: used to score, after the fit.
    pub labels: Option<Labels>,
    /// What the run file says about the data.
    pub about: About,
    /// What the features are made of, where the data are a table.
    pub schema: Option<Schema>,
    /// What the columns are, where the rows are documents.
    pub vocabulary: Option<Vocabulary>,
    /// Names of the rows, if they have some.
    pub ids: Option<Ids>,
    /// How each row begins, where the rows are documents that are not too many.
    pub beginnings: Option<Vec<String>>,
    /// What was decided while reading.
    pub notes: Vec<Note>,
}

/// The rows of the publisher's test split, where a fit sees the training split alone.
#[derive(Debug)]
pub struct HeldOut {
    /// What the fitted model is applied to.
    pub features: Features,
    /// Class of every row, if known.
    pub labels: Option<Array1<Option<u32>>>,
}

/// Facts about the data.
#[derive(Debug, Clone)]
pub struct About {
    /// Name in the registry, or the file name.
    pub name: String,
    /// Rows.
    pub n: usize,
    /// Columns.
    pub dim: usize,
    /// SHA-256 of shape and values.
    pub sha256: String,
    /// The `--limit`, if it cut something off.
    pub limit: Option<usize>,
    /// The words of `--missing`.
    pub missing: Vec<String>,
}

/// How `vae-data` is to load.
pub fn options(args: &ReadArgs) -> LoadOptions {
    let mut options = LoadOptions {
        data_dir: args.data_dir.clone(),
        labels: args.labels.clone(),
        x_key: args.x_key.clone(),
        image_size: args.image_size,
        y_key: args.y_key.clone(),
        max_terms: args.max_terms,
        ..LoadOptions::default()
    };
    args.table.apply(&mut options);
    options
}

/// What the features of the model at `place`, a run folder or a file, are made of.
///
/// # Errors
/// A file that cannot be read or is damaged.
pub fn schema_of(place: &Path) -> Result<Option<Schema>> {
    let folder = folder_of(place);
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let path = folder.join(SCHEMA_FILE);
    if path.is_file() {
        let schema = serde_json::from_str(&read(&path)?);
        return schema
            .map(Some)
            .with_context(|| format!("{} is damaged: fit again or restore it", path.display()));
    }
    let path = folder.join(COLUMNS_FILE);
    if path.is_file() {
        return Ok(Some(Schema::plain(true, read(&path)?.split_terminator('\n'))));
    }
    Ok(None)
}

/// What [`schema_of`] reads.
///
/// # Errors
/// None that a schema of a table can have.
pub fn schema_text(schema: &Schema) -> Result<String> {
    Ok(serde_json::to_string_pretty(schema)? + "\n")
}

/// Where the files lie that belong to the model at `place`, a run folder or a file.
pub fn folder_of(place: &Path) -> &Path {
    if place.is_dir() { place } else { place.parent().unwrap_or(place) }
}

/// Loads features and labels for a fit.
///
/// # Errors
/// Everything `vae-data` finds wrong, with the file and the place in it.
pub fn load(source: &Source, args: &ReadArgs) -> Result<Input> {
    load_with(source, args, options(args))
}

/// Loads features and labels for a fitted model, a run folder or a file. Documents get the columns
/// of those it was fitted on, and named columns of a table its order.
///
/// # Errors
/// As [`load`]; documents where the model has no vocabulary beside it, a table with other columns.
/// Values far outside those of the fit are a warning.
pub fn load_for(model: &Path, source: &Source, args: &ReadArgs) -> Result<Input> {
    let options = options_for(model, source, args)?;
    let has_vocabulary = options.vocabulary.is_some();
    let input = load_with(source, args, options)?;
    require_vocabulary(model, input.vocabulary.is_some() && !has_vocabulary)?;
    if let Some(schema) = &input.schema {
        let mut far = Far::beside(model)?;
        far.add(&input.features, schema);
        far.warn();
    }
    Ok(input)
}

/// Loads features and labels of the rows of a finished run, where one is given: the words that
/// stand for missing cells and the column that names the rows are those of its data.
///
/// # Errors
/// As [`load`].
pub fn load_beside(run: Option<&Path>, source: &Source, args: &ReadArgs) -> Result<Input> {
    let mut options = options(args);
    if let Some(run) = run {
        options.fitted_missing = missing_words(run);
        options.fitted_id = id_column(run);
    }
    load_with(source, args, options)
}

/// How `vae-data` is to load data for a fitted model.
fn options_for(model: &Path, source: &Source, args: &ReadArgs) -> Result<LoadOptions> {
    let vocabulary = Some(folder_of(model).join(VOCABULARY_FILE)).filter(|path| path.is_file());
    if vocabulary.is_some() && args.table.text_column.is_none() && is_one_file(source) {
        bail!(
            "the model was fitted on documents, and {source} is a file: add --text-column NAME, the column with the texts"
        );
    }
    let schema = schema_of(model)?;
    let fitted_id = id_column(folder_of(model));
    let fitted_missing = missing_words(folder_of(model));
    Ok(LoadOptions { vocabulary, schema, fitted_id, fitted_missing, as_fitted: true, ..options(args) })
}

/// Refuses documents for a model without a vocabulary.
fn require_vocabulary(model: &Path, is_missing: bool) -> Result<()> {
    if is_missing {
        bail!(
            "{} is missing: documents can only be used with the terms the model was fitted on; copy that file of the run folder beside the model",
            folder_of(model).join(VOCABULARY_FILE).display()
        );
    }
    Ok(())
}

/// Data for a fitted model in blocks of rows, and what is found out about them on the way.
pub struct StreamFor {
    /// The rows.
    pub stream: Stream,
    /// What the user called them.
    pub source: Source,
    far: Far,
}

impl StreamFor {
    /// Opens data for a fitted model, as [`load_for`] loads them.
    ///
    /// # Errors
    /// As [`load_for`].
    pub fn open(model: &Path, source: Source, args: &ReadArgs) -> Result<Self> {
        let options = options_for(model, &source, args)?;
        let mut stream = Stream::open(&source, &options)?;
        stream.notes().iter().for_each(tell);
        require_vocabulary(model, stream.is_documents() && options.vocabulary.is_none())?;
        Ok(Self { stream, source, far: Far::beside(model)? })
    }

    /// Holds a block against the ranges of the fit.
    pub fn look_at(&mut self, x: &Features) {
        if let Some(schema) = self.stream.schema() {
            self.far.add(x, schema);
        }
    }

    /// Behind the last block: says what was found out.
    pub fn finish(&mut self) {
        self.stream.notes().iter().for_each(tell);
        self.far.warn();
    }
}

/// Says a note; a quiet program says warnings only.
fn tell(note: &Note) {
    match note.severity {
        Severity::Info => remark(note),
        _ => eprintln!("{note}"),
    }
}

fn is_one_file(source: &Source) -> bool {
    match source {
        Source::Path(path) => path.is_file(),
        Source::StandardInput => true,
        Source::Known(_) => false,
    }
}

/// Loads what a fit sees and, with [`FitSplit::Train`], what it does not. `--limit` cuts what it
/// sees.
///
/// # Errors
/// As [`load`] and [`on_disk::load`]; a data set without a test split where one is asked for.
pub fn load_split(source: &Source, args: &FitArgs) -> Result<(Input, Option<HeldOut>)> {
    let read = &args.read;
    if args.fit_split == FitSplit::All {
        let in_file = on_disk::load(source, args)?;
        return Ok((in_file.map_or_else(|| load(source, read), Ok)?, None));
    }
    let (mut set, mut labels) = vae_data::load(source, &options(read))?;
    if set.n_train >= set.x.n() {
        bail!("{source} has no test split: leave out --fit-split train");
    }
    let rest = set.x.tail(set.n_train);
    set.keep_first(set.n_train);
    let test_labels = labels.as_mut().map(|labels| {
        let test = labels.y.slice(s![set.n_train..]).to_owned();
        labels.y = labels.y.slice(s![..set.n_train]).to_owned();
        test
    });
    let held_out =
        HeldOut { features: features_of(rest, set.image, set.schema.clone(), source)?, labels: test_labels };
    Ok((input_of(set, labels, read, source)?, Some(held_out)))
}

fn load_with(source: &Source, args: &ReadArgs, options: LoadOptions) -> Result<Input> {
    let (set, labels) = vae_data::load(source, &options)?;
    input_of(set, labels, args, source)
}

/// What was decided is said before anything else may fail.
fn input_of(mut set: DataSet, mut labels: Option<Labels>, args: &ReadArgs, source: &Source) -> Result<Input> {
    set.notes.iter().for_each(tell);
    let limit = args.limit.map(|l| usize::try_from(l).unwrap_or(usize::MAX)).filter(|l| *l < set.x.n());
    if let Some(limit) = limit {
        set.keep_first(limit);
        if let Some(labels) = &mut labels {
            labels.y = labels.y.slice(s![..limit]).to_owned();
        }
    }
    let (n, dim) = set.x.dim();
    let missing = options(args).missing;
    let about = About { name: set.name, n, dim, sha256: set.sha256, limit, missing };
    let features = features_of(set.x, set.image, set.schema.clone(), source)?;
    let DataSet { schema, vocabulary, ids, beginnings, notes, .. } = set;
    Ok(Input { features, labels, about, schema, vocabulary, ids, beginnings, notes })
}

/// Features of a matrix. It moves: 70,000 images exist once.
///
/// # Errors
/// Values or sizes that no method can use.
pub fn features_of(
    x: Matrix,
    image: Option<ImageShape>,
    schema: Option<Schema>,
    source: &Source,
) -> Result<Features> {
    let features = match x {
        Matrix::Dense(x) if schema.is_some() => Features::table(x, schema),
        Matrix::Dense(x) => Features::dense(x),
        Matrix::Sparse(csr) => Features::sparse(csr),
    };
    let features = features.with_context(|| format!("{source} cannot be clustered"))?;
    Ok(match image {
        Some(image) => features.with_image(image)?,
        None => features,
    })
}

/// Labels for `rows` assignments, from a file with one label a row, or a table that names them as
/// `ids` does.
///
/// # Errors
/// An unreadable file, another number of labels, other names.
pub fn labels_for(
    path: &Path,
    rows: usize,
    ids: Option<&(String, Vec<String>)>,
    args: &ReadArgs,
) -> Result<Array1<Option<u32>>> {
    let ids = ids.map(|(column, names)| (column.as_str(), names.as_slice()));
    Ok(vae_data::load_labels(path, rows, ids, &options(args))?.y)
}

/// Assignments and classes of the rows that have a label; of the others nothing can be scored.
///
/// # Errors
/// Labels that are missing where the two differ in number.
pub fn labelled(clusters: &Array1<u32>, y: &Array1<Option<u32>>) -> Result<(Array1<u32>, Array1<u32>)> {
    let known: Array1<u32> = y.iter().flatten().copied().collect();
    if known.len() == y.len() {
        return Ok((clusters.clone(), known));
    }
    if clusters.len() != y.len() {
        bail!(
            "{} assignments and {} labels: one label a row is needed, in the same order",
            clusters.len(),
            y.len()
        );
    }
    let pairs = clusters.iter().zip(y).filter(|(_, class)| class.is_some());
    Ok((pairs.map(|(cluster, _)| *cluster).collect(), known))
}
