//! `vae export`.

use clap::{ArgGroup, Args};
use std::path::PathBuf;

/// `vae export`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["run", "model"]))]
pub struct ExportArgs {
    /// Folder of a finished run
    #[arg(value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Run folder or model.safetensors
    #[arg(short, long, value_name = "DIR|FILE")]
    pub model: Option<PathBuf>,
    /// Format: safetensors. torchscript and onnx cannot be written: TorchScript would hold the
    /// network without names of columns, categories and texts, and libtorch writes no ONNX
    #[arg(long, value_name = "FORMAT", default_value = "safetensors", value_parser = format)]
    pub format: ExportFormat,
    /// Where to write, a name that ends in .safetensors
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

/// A format that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One file with all tensors, and the steps as JSON in its metadata.
    Safetensors,
}

fn format(text: &str) -> Result<ExportFormat, String> {
    let instead = "use --format safetensors, whose steps are described in docs/src/export.md";
    match text {
        "safetensors" => Ok(ExportFormat::Safetensors),
        "torchscript" => Err(format!(
            "torchscript cannot be written: it records operations on tensors, and names of columns, categories, texts and \
             missing cells are none; {instead}"
        )),
        "onnx" => Err(format!(
            "onnx cannot be written: libtorch's interface outside Python has no writer of it; {instead}"
        )),
        _ => Err("expected safetensors".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_that_cannot_be_written_is_refused_with_its_reason() {
        assert_eq!(format("safetensors"), Ok(ExportFormat::Safetensors));
        for (name, why) in [("torchscript", "names of columns"), ("onnx", "no writer")] {
            let refused = format(name).expect_err(name);
            assert!(refused.starts_with(name) && refused.contains(why), "{refused}");
            assert!(refused.contains("--format safetensors"), "{refused}");
        }
        assert_eq!(format("pickle"), Err("expected safetensors".into()));
    }
}
