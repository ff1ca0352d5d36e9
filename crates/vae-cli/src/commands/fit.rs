//! `vae fit`: cluster a data set and leave a run folder behind.
//!
//! The order: resolve the configuration, load the data, claim the folder, fit on features alone,
//! and only then look at the labels. Every file is written atomically and `DONE` comes last, so a
//! run that is killed at any point is continued by the same command.

mod closing;
mod scores;
mod warnings;

use self::closing::Closing;
pub use self::closing::new_data;
use self::scores::score;
use crate::align::{Aligned, Former};
use crate::args::{FitArgs, FitSplit};
use crate::assignments::{self, Assignments, Beside};
use crate::commands::{cache, threads};
use crate::confidence;
use crate::criteria;
use crate::exit;
use crate::hardware;
use crate::input::{self, About, HeldOut, Input, SCHEMA_FILE, VOCABULARY_FILE};
use crate::made_from;
use crate::output::{counted, remark, say, shell_word, thousands};
use crate::pictures::{self, Subject};
use crate::progress::for_stderr;
use crate::reference::Reference;
use crate::report::{self, Clustering, Kept};
use crate::results::{self, FacetsFound};
use crate::run_folder::{CONFIG, Identity, MATMUL, MODEL, PRECISION, ROW_NAMES, RunFolder, State};
use crate::run_record::{self, Begun, Compute, Found, RUN_FILE};
use crate::selection::{Chosen, choose};
use crate::signals;
use anyhow::{Context, Result, bail};
use ndarray::{Array1, Array2};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use vae_core::Features;
use vae_core::device::{configure_process, device_name};
use vae_core::fsio::{sha256_hex, write_bytes};
use vae_core::matmul::Matmul;
use vae_core::phase::FitContext;
use vae_core::precision::Bf16;
use vae_data::Ids;
use vae_models::registry::Resolved;
use vae_models::registry::outdated;
use vae_models::{Clusterer, FitSummary, load_model};

/// Runs, continues, or finds finished.
///
/// # Errors
/// The errors of configuration, data, folder and method; an interruption, after which the same
/// command continues.
pub fn run(args: FitArgs) -> Result<()> {
    let interrupt = signals::interrupt().context("cannot listen for signals")?;
    let cache = if args.no_cache { None } else { cache::of_user()?.filter(|cache| cache.limit() > 0) };
    let chosen = choose(&args.selection)?;
    let source = chosen.require_source()?.clone();
    let mut model = chosen.resolved.build()?;
    let threads = threads(args.compute.threads);
    configure_process(threads);
    args.compute.matmul.apply()?;
    let device = args.compute.device.resolve()?;
    chosen.notes.iter().for_each(remark);

    let (input, held_out) = input::load_split(&source, &args)?;
    let compute = Compute {
        seed: args.compute.seed,
        threads,
        device: device_name(device),
        matmul: Matmul::on(device),
        precision: args.compute.precision.on(device)?,
        fit_split: args.fit_split,
        hardware: hardware::of_this_machine(match device_name(device).strip_prefix("cuda:") {
            Some(number) => number.parse().ok(),
            None => None,
        }),
    };
    announce(&chosen, &input, model.as_ref(), &compute);
    let former = args.align_to.as_deref();
    let former = former.map(|run| Former::read(run, &input.about, args.fit_split.name())).transpose()?;
    let identity = identity(&chosen.resolved, &input, &compute, former.as_ref())?;
    let (folder, state) = RunFolder::open(&args.out, &identity)?;
    match state {
        State::Finished => return already_finished(&folder, input.labels.is_some()),
        State::Unfinished => remark(format_args!("continuing the run in {}", folder.path().display())),
        State::Empty => {}
    }
    let begun = Begun::new(&chosen.resolved, &input, &compute);
    let context = FitContext {
        device,
        threads,
        precision: compute.precision,
        dir: Some(folder.path().to_path_buf()),
        cache,
        checkpoint_every: Duration::from_secs_f64(args.checkpoint_every),
        interrupt,
        progress: for_stderr(),
        provenance: made_from::provenance(&compute.hardware),
        ..FitContext::in_memory(compute.seed)
    };
    let data = (input, held_out);
    let new_data = new_data(&source, &args.read);
    let kept = Kept { without_rows: args.no_samples, map: args.map, seed: compute.seed };
    let around = Around { begun: &begun, new_data: &new_data, former: former.as_ref(), kept };
    let fitted = fit_and_write(&folder, &chosen.resolved, model.as_mut(), data, &context, &around);
    match fitted {
        Ok(text) => say(&text),
        Err(error) => {
            if exit::interrupted(&error).is_none() {
                // The first error is the one to report, whatever happens to this file.
                let _ = begun.write_failed(&folder.join(RUN_FILE), &exit::text(&error));
            }
            Err(error)
        }
    }
}

/// What everything depends on. Labels are not part: they change no byte of the model.
fn identity(
    resolved: &Resolved,
    input: &Input,
    compute: &Compute,
    former: Option<&Former>,
) -> Result<Identity> {
    let about = &input.about;
    let mut settings: std::collections::BTreeMap<String, String> =
        resolved.with_origins().into_iter().map(|(key, value, _)| (format!("config.{key}"), value)).collect();
    let mut put = |key: &str, value: String| settings.insert(key.to_string(), value);
    put(CONFIG, resolved.sha256().into());
    put("method", resolved.method.name.into());
    put("seed", compute.seed.to_string());
    put("threads", compute.threads.to_string());
    put("device", compute.device.clone());
    // Folders older than the choice hold runs of the BLAS.
    if let Some(matmul @ Matmul::OneDnn) = compute.matmul {
        put(MATMUL, matmul.name().into());
    }
    if let Some(precision) = compute.precision.name_unless_f32() {
        put(PRECISION, precision.into());
    }
    put("data", about.name.clone());
    put("data_sha256", about.sha256.clone());
    put("version", env!("CARGO_PKG_VERSION").into());
    if let Some(ids) = &input.ids {
        // They change no byte of the model, but the files that people look into.
        let names: String = ids.iter().map(|id| format!("{id}\0")).collect();
        put(ROW_NAMES, format!("{} {}", ids.name(), sha256_hex(names.as_bytes())));
    }
    if compute.fit_split == FitSplit::Train {
        put("fit_split", "train".into());
    }
    if let Some(former) = former {
        put("aligned_to", former.sha256());
    }
    Identity(settings).of_columns(input.schema.as_ref())
}

fn announce(chosen: &Chosen, input: &Input, model: &dyn Clusterer, compute: &Compute) {
    let About { name, n, dim, .. } = &input.about;
    let method = chosen.resolved.method.name;
    let clusters = match model.n_clusters() {
        0 => "number of clusters to be estimated".into(),
        k => counted(k, "cluster"),
    };
    let slow = match Bf16::of_this_cpu() {
        Bf16::Slow if compute.device == "cpu" => " (slower than f32 on this processor)",
        _ => "",
    };
    remark(format_args!(
        "{method} on {name}: {} samples, {dim} features, {clusters}; seed {}, {}, {}{}",
        thousands(*n),
        compute.seed,
        compute.device,
        counted(compute.threads, "thread"),
        compute
            .precision
            .name_unless_f32()
            .map_or_else(String::new, |name| format!(", large products in {name}{slow}"))
    ));
}

/// Says that there is nothing to do, unless this version would do something else, or the model
/// cannot be used.
fn already_finished(folder: &RunFolder, labels: bool) -> Result<()> {
    let dir = folder.path();
    if let Some(why) = outdated(&run_record::revisions_in(&folder.join(RUN_FILE))?) {
        bail!(
            "{} holds this run, finished by another version of the program: {why}; choose another --out, or delete the folder",
            dir.display()
        );
    }
    load_model(&folder.join(MODEL)).with_context(|| {
        format!(
            "{} holds this run, finished, but its {MODEL} cannot be used; put that file back from a copy, or delete the \
             folder and give the same command again",
            dir.display()
        )
    })?;
    let mut text = format!("{} holds this run, finished; nothing to do\n", dir.display());
    if labels {
        let known = match dir.join("metrics.json").exists() {
            true => "its metrics.json is of the labels it was fitted beside; others are scored with",
            false => "it was fitted without labels; score it with",
        };
        let assignments = shell_word(&dir.join("assignments.npy").display().to_string());
        let _ = writeln!(text, "{known}: vae score --pred {assignments} --labels FILE");
    }
    say(&text)
}

/// What a fit writes beside its results, and what it leaves out.
struct Around<'a> {
    begun: &'a Begun,
    /// How new data of this kind are given.
    new_data: &'a str,
    /// Whose numbers the clusters get.
    former: Option<&'a Former>,
    /// What is kept for the report.
    kept: Kept,
}

/// Fits on the features, then writes everything; returns what to say.
fn fit_and_write(
    folder: &RunFolder,
    resolved: &Resolved,
    model: &mut dyn Clusterer,
    (input, held_out): (Input, Option<HeldOut>),
    context: &FitContext,
    around: &Around<'_>,
) -> Result<String> {
    let dir = folder.path();
    write_what_is_fitted(folder, resolved, &input)?;
    let (features, labels, ids) = (&input.features, input.labels.as_ref(), input.ids.as_ref());
    let (summary, aligned) = fit(model, features, context, around.former)?;

    model.save(&folder.join(MODEL))?;
    results::write_history(dir, &summary.phases)?;
    let gamma = confidence::posterior(model, features, ids)?;
    let sure = gamma.as_ref().map(|gamma| confidence::of_clusters(gamma.view(), &summary.assignments));
    let confidence = sure.as_ref().map(|sure| confidence::Summary::new(sure.view()));
    let embedding = model.embed(features)?;
    let outlier = keep_reference(dir, model, features, (&summary.assignments, &embedding))?;
    write_assignments(dir, &summary, (sure.as_ref(), &outlier), ids)?;
    let has_embedding = results::write_embedding(dir, &embedding, features)?;
    let sizes = results::cluster_sizes(summary.assignments.view(), model.n_clusters());
    let facets = FacetsFound::write(dir, model, features, ids)?;
    let several = facets.as_ref().map_or(&[][..], |facets| facets.assignments.as_slice());
    let evaluation = match labels {
        Some(labels) => score(dir, model, (&summary, sure.as_ref(), several), (labels, held_out.as_ref()))?,
        None => None,
    };
    let subject = Subject {
        model,
        features,
        summary: &summary,
        embedding: &embedding,
        sizes: &sizes,
        evaluation: evaluation.as_ref(),
        seed: context.seed,
    };
    pictures::draw(&folder.join("pictures"), &subject, around.kept.without_rows)?;
    let clustering = Clustering::new(&input, model, (&summary, gamma.as_ref()), &embedding, context.seed);
    report::keep(dir, &clustering, &around.kept)?;
    let warnings = warnings::of(features, &summary, &sizes);
    let criteria = criteria::of_run(summary.assignments.view(), model.n_clusters(), gamma.as_ref());
    let found = Found {
        n_clusters: model.n_clusters(),
        evaluation: evaluation.as_ref(),
        confidence,
        criteria: &criteria,
        aligned: aligned.as_ref(),
        warnings: &warnings,
    };
    around.begun.write_finished(&folder.join(RUN_FILE), &summary, &found)?;
    report::write(dir, around.kept.without_rows, None)?;
    let clusters = report::lines(dir)?;
    folder.finish()?;
    let closing = Closing {
        dir,
        model,
        summary: &summary,
        evaluation: evaluation.as_ref(),
        sizes: &sizes,
        confidence,
        warnings: &warnings,
        facets: facets.as_ref(),
        clusters: &clusters,
        has_embedding,
        new_data: around.new_data,
    };
    Ok(closing.text())
}

/// Writes what new data are compared with; returns how unusual each fitted sample is.
fn keep_reference(
    dir: &Path,
    model: &dyn Clusterer,
    features: &Features,
    (assignments, embedding): (&Array1<u32>, &Array2<f32>),
) -> Result<Array1<f32>> {
    let (reference, outlier) = Reference::of_fit(model, features, (assignments, embedding))?;
    reference.write(dir)?;
    Ok(outlier)
}

/// Writes the assignments of the fit, with how sure the model is of each and how unusual each
/// sample is.
fn write_assignments(
    dir: &Path,
    summary: &FitSummary,
    (sure, outlier): (Option<&Array1<f32>>, &Array1<f32>),
    ids: Option<&Ids>,
) -> Result<()> {
    let clusters = summary.assignments.view();
    let numbers = assignments::numbers(clusters);
    let beside = sure.map_or(Beside::Nothing, |sure| Beside::Confidence(sure.view()));
    let outlier = Some(outlier.view());
    let assignments = Assignments { ids, clusters: numbers.view(), cluster_names: None, beside, outlier };
    results::write_assignments(dir, clusters, &assignments)
}

/// Fits, gives the clusters the numbers of a former run if there is one, and says what was chosen
/// on the data.
fn fit(
    model: &mut dyn Clusterer,
    features: &Features,
    context: &FitContext,
    former: Option<&Former>,
) -> Result<(FitSummary, Option<Aligned>)> {
    context.interrupt.check()?;
    let mut summary = model.fit(features, context)?;
    for choice in &summary.resolved {
        context.progress.note(choice);
    }
    let aligned = former.map(|former| former.align(model, &mut summary)).transpose()?;
    aligned.iter().for_each(|aligned| context.progress.note(&aligned.words()));
    context.progress.note("writing model, assignments, embedding and pictures");
    Ok((summary, aligned))
}

/// Writes the configuration, and what the columns of the data are.
fn write_what_is_fitted(folder: &RunFolder, resolved: &Resolved, input: &Input) -> Result<()> {
    write_bytes(&folder.join("config.toml"), config_file(resolved).as_bytes())?;
    let vocabulary = input.vocabulary.as_ref().map(|vocabulary| vocabulary.to_tsv());
    let schema = input.schema.as_ref().map(input::schema_text).transpose()?;
    for (name, text) in [(VOCABULARY_FILE, vocabulary), (SCHEMA_FILE, schema)] {
        write_or_remove(&folder.join(name), text.as_deref())?;
    }
    Ok(())
}

/// The file says what the columns of the data are. One that a refused fit of other data left would
/// be taken for this run's.
fn write_or_remove(path: &Path, text: Option<&str>) -> Result<()> {
    match text {
        Some(text) => Ok(write_bytes(path, text.as_bytes())?),
        None => match std::fs::remove_file(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot remove {}; choose another --out", path.display()))
            }
            _ => Ok(()),
        },
    }
}

/// The resolved configuration, with the values that somebody chose named at the top.
fn config_file(resolved: &Resolved) -> String {
    let mut text =
        String::from("# The complete configuration of this run; `vae fit --config` takes this file.\n");
    let chosen = resolved.chosen();
    if !chosen.is_empty() {
        text.push_str("# Not defaults of the method:\n");
        for (key, value, origin) in chosen {
            let origin = origin.replace(['\n', '\r'], " ");
            let _ =
                writeln!(text, "#   {key} = {value}   ({origin})", value = value.replace(['\n', '\r'], " "));
        }
    }
    text.push('\n');
    text + &resolved.to_toml()
}
