//! ResNet-50 against torchvision: `golden/resnet50.json`, made by `golden/make_resnet.py` with
//! weights and pictures that both sides draw by the same formula.

use serde_json::Value;
use tch::{Device, Kind, Tensor};
use vae_core::Error;
use vae_core::bundle::Tensors;
use vae_features::resnet::{FEATURES, ResNet50};
use vae_features::weights;

/// `n` numbers in [-1, 1): splitmix64 of (FNV-1a of the name) + index, its upper 24 bits.
fn uniform(name: &str, n: i64) -> Vec<f32> {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
    let number = |i: i64| {
        let mut z = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((z >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    };
    (1..=n).map(number).collect()
}

fn weight(name: &str, shape: &[i64]) -> Tensor {
    let u = Tensor::from_slice(&uniform(name, shape.iter().product())).view(shape);
    match shape {
        [_, n_in, h, w] => u * f64::from((6.0 / (n_in * h * w) as f64).sqrt() as f32),
        _ if name.ends_with("running_mean") || name.ends_with("bias") => u * 0.25,
        _ => u * 0.5 + 1.0,
    }
}

/// The state dictionary of torchvision's `resnet50`, without the classifier.
fn state() -> Tensors {
    let mut all = Tensors::new();
    let mut conv = |conv: String, norm: String, shape: [i64; 4]| {
        all.insert(format!("{conv}.weight"), weight(&format!("{conv}.weight"), &shape));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            let name = format!("{norm}.{part}");
            let tensor = weight(&name, &shape[..1]);
            all.insert(name, tensor);
        }
    };
    conv("conv1".into(), "bn1".into(), [64, 3, 7, 7]);
    let mut n_in = 64;
    for (stage, (blocks, width)) in [(3, 64), (4, 128), (6, 256), (3, 512)].into_iter().enumerate() {
        for block in 0..blocks {
            let name = format!("layer{}.{block}", stage + 1);
            let shapes = [[width, n_in, 1, 1], [width, width, 3, 3], [4 * width, width, 1, 1]];
            for (k, shape) in shapes.into_iter().enumerate() {
                conv(format!("{name}.conv{}", k + 1), format!("{name}.bn{}", k + 1), shape);
            }
            if block == 0 {
                conv(format!("{name}.downsample.0"), format!("{name}.downsample.1"), [4 * width, n_in, 1, 1]);
            }
            n_in = 4 * width;
        }
    }
    all
}

fn rows(t: &Tensor) -> Vec<Vec<f64>> {
    Vec::<Vec<f64>>::try_from(t.to_kind(Kind::Double)).expect("two dimensions")
}

#[test]
fn features_are_torchvisions() {
    let golden: Value = serde_json::from_str(include_str!("golden/resnet50.json")).expect("JSON");
    let net = ResNet50::new(&state(), Device::Cpu).expect("all weights");
    let cases = golden["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 2);
    for case in cases {
        let shape: Vec<i64> =
            case["shape"].as_array().expect("shape").iter().map(|s| s.as_i64().expect("whole")).collect();
        let name = case["name"].as_str().expect("name");
        let x = (Tensor::from_slice(&uniform(name, shape.iter().product())).view(&shape[..]) + 1.0) / 2.0;
        let found = net.features(&x).expect("features");
        assert_eq!(found.size(), [shape[0], FEATURES as i64]);
        let expected: Vec<Vec<f64>> = serde_json::from_value(case["features"].clone()).expect("numbers");
        let scale = expected.iter().flatten().fold(0.0_f64, |m, v| m.max(v.abs()));
        let far = rows(&found)
            .iter()
            .flatten()
            .zip(expected.iter().flatten())
            .fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
        // f32 sums in another order, through 53 layers.
        assert!(far <= 1e-5 * scale, "{name}: {far} of {scale}");
    }
}

#[test]
fn a_picture_does_not_depend_on_its_batch_and_grey_is_three_equal_channels() {
    let net = ResNet50::new(&state(), Device::Cpu).expect("all weights");
    let grey = (Tensor::from_slice(&uniform("grey", 2 * 40 * 50)).view([2, 1, 40, 50]) + 1.0) / 2.0;
    let both = net.features(&grey).expect("features");
    let second = net.features(&grey.narrow(0, 1, 1)).expect("features");
    let colour = net.features(&grey.repeat([1, 3, 1, 1])).expect("features");
    let scale = both.abs().max().double_value(&[]);
    assert!((both.narrow(0, 1, 1) - second).abs().max().double_value(&[]) < 1e-5 * scale);
    assert!((both - colour).abs().max().double_value(&[]) < 1e-5 * scale);
    for shape in [[1, 2, 64, 64], [1, 3, 31, 64], [1, 1, 2049, 2048]] {
        assert!(matches!(
            net.features(&Tensor::zeros(shape, (Kind::Float, Device::Cpu))),
            Err(Error::Features(_))
        ));
    }
}

#[test]
fn wrong_weights_are_named() {
    let mut weights = state();
    weights.insert("layer3.5.bn2.running_var".into(), Tensor::zeros([255], (Kind::Float, Device::Cpu)));
    let text = ResNet50::new(&weights, Device::Cpu).expect_err("shape").to_string();
    assert!(text.contains("`layer3.5.bn2.running_var` has shape [255], expected [256]"), "{text}");
    weights
        .insert("layer3.5.bn2.running_var".into(), Tensor::full([256], f64::NAN, (Kind::Float, Device::Cpu)));
    let text = ResNet50::new(&weights, Device::Cpu).expect_err("NaN").to_string();
    assert!(text.contains("not finite"), "{text}");
    weights.insert("layer3.5.bn2.running_var".into(), Tensor::full([256], -0.5, (Kind::Float, Device::Cpu)));
    let text = ResNet50::new(&weights, Device::Cpu).expect_err("negative").to_string();
    assert!(text.contains("`layer3.5.bn2.running_var` holds a negative variance"), "{text}");
    weights.remove("layer1.0.downsample.0.weight");
    let text = ResNet50::new(&weights, Device::Cpu).expect_err("missing").to_string();
    assert!(
        text.contains("no `layer1.0.downsample.0.weight`: they are not those of torchvision's"),
        "{text}"
    );
}

#[test]
fn weights_come_from_safetensors_too() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("w.safetensors");
    let tensors = [("a", Tensor::from_slice(&[1.0_f32, 2.0])), ("n", Tensor::from_slice(&[1_i64]))];
    Tensor::write_safetensors(&tensors, &path).expect("written");
    let read = weights::read(&path).expect("sound");
    assert_eq!(read.tensors.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(read.sha256.len(), 64);
    let bytes = std::fs::read(&path).expect("file");
    std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("file");
    assert!(weights::read(&path).expect_err("cut").to_string().contains("damaged"));
    std::fs::write(&path, b"no weights at all").expect("file");
    assert!(weights::read(&path).expect_err("text").to_string().contains("neither safetensors nor"));
}
