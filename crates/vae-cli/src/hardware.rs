//! What a run was computed on.

use std::collections::BTreeSet;
use std::fs;
use vae_core::provenance::Hardware;

/// Looks at this machine; `cuda` is the number of the GPU in use.
pub fn of_this_machine(cuda: Option<usize>) -> Hardware {
    let text = cpuinfo();
    let cpu = value(&text, "model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    Hardware { cpu: Some(cpu), cores: Some(physical_cores()), gpu: cuda.map(gpu_name) }
}

/// Physical cores, at most what the process is allowed: two threads of one core are no faster than
/// one here.
pub fn physical_cores() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    match count_cores(&cpuinfo()) {
        0 => allowed,
        cores => cores.min(allowed),
    }
}

fn cpuinfo() -> String {
    fs::read_to_string("/proc/cpuinfo").unwrap_or_default()
}

fn value(block: &str, key: &str) -> Option<String> {
    block.lines().find_map(|line| {
        let (k, v) = line.split_once(':')?;
        (k.trim() == key).then(|| v.trim().to_string())
    })
}

/// Distinct (physical id, core id) of `/proc/cpuinfo`; 0 where it does not tell.
fn count_cores(cpuinfo: &str) -> usize {
    let core = |block: &str| Some((value(block, "physical id")?, value(block, "core id")?));
    cpuinfo.split("\n\n").filter_map(core).collect::<BTreeSet<_>>().len()
}

/// The driver's name of a GPU, in the driver's order.
fn gpu_name(index: usize) -> String {
    let mut cards: Vec<_> =
        fs::read_dir("/proc/driver/nvidia/gpus").into_iter().flatten().flatten().map(|e| e.path()).collect();
    cards.sort();
    let text = cards.get(index).and_then(|card| fs::read_to_string(card.join("information")).ok());
    text.and_then(|text| value(&text, "Model")).unwrap_or_else(|| format!("cuda:{index}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_one_core_count_once() {
        let block = |id, core| format!("processor : {id}\nphysical id\t: 0\ncore id\t\t: {core}\n\n");
        let text: String = [(0, 0), (1, 1), (2, 0), (3, 1)].map(|(i, c)| block(i, c)).concat();
        assert_eq!(count_cores(&text), 2);
        assert_eq!(count_cores("processor : 0\n\nprocessor : 1\n"), 0);
    }

    #[test]
    fn there_is_at_least_one_core() {
        assert!(physical_cores() >= 1);
    }
}
