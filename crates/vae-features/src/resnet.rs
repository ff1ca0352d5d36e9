//! ResNet-50 as a source of features: pictures in, 2,048 averages of its last feature maps out.
//!
//! Source: He, Zhang, Ren and Sun, CVPR 2016, in torchvision's form (`resnet50`): the stride of a
//! block is in its 3x3 convolution, not in its first. Names and shapes of the weights are those of
//! torchvision's state dictionary; the classifier `fc` is not used. Batch normalisation runs with
//! the stored statistics, so a picture's features do not depend on its batch.
//!
//! The published STL-10 features are the sum of the last maps over their 3x3 grid divided by 9
//! (DGG's script): the same average.

use ndarray::{Array2, ArrayView2, s};
use tch::{Device, Tensor};
use vae_core::bundle::Tensors;
use vae_core::features::{to_array2, to_tensor};
use vae_core::{Error, ImageShape, Result};

/// Features of a picture.
pub const FEATURES: usize = 2048;
/// Mean and standard deviation of ImageNet's red, green and blue, for values in [0, 1].
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];
/// Blocks of each stage.
const BLOCKS: [usize; 4] = [3, 4, 6, 3];
/// Width of the inner convolutions of each stage; a block's output is four times as wide.
const WIDTHS: [i64; 4] = [64, 128, 256, 512];
const EXPANSION: i64 = 4;
const BATCH_NORM_EPS: f64 = 1e-5;
/// Pictures with more pixels do not get smaller features, only slower ones: the network was trained
/// on 224 x 224.
const MAX_PIXELS: i64 = 1 << 22;
/// The network halves a picture five times.
const MIN_SIDE: i64 = 32;
/// Bytes of intermediate maps for each pixel of the input, counted: 64 channels at half the side
/// and 256 at a quarter are 64 bytes a pixel each; about five such maps are alive at once, and as
/// much again is left for the convolutions.
const BYTES_A_PIXEL: usize = 640;

/// The network without its classifier.
#[derive(Debug)]
pub struct ResNet50 {
    stem: ConvNorm,
    blocks: Vec<Block>,
    mean: Tensor,
    std: Tensor,
}

/// A convolution without bias and the batch normalisation behind it.
#[derive(Debug)]
struct ConvNorm {
    weight: Tensor,
    /// Scale, shift, mean and variance of each channel.
    norm: [Tensor; 4],
    stride: i64,
}

/// 1x1, 3x3, 1x1, beside the identity or a projection.
#[derive(Debug)]
struct Block {
    convs: [ConvNorm; 3],
    projection: Option<ConvNorm>,
}

impl ResNet50 {
    /// Takes the weights of torchvision's `resnet50` by their names.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming a tensor that is missing or not finite, [`Error::Shape`] for
    /// one of another shape.
    pub fn new(tensors: &Tensors, device: Device) -> Result<Self> {
        let layer = |conv: &str, norm: &str, shape: [i64; 4], stride| {
            ConvNorm::new(tensors, conv, norm, shape, stride, device)
        };
        let stem = layer("conv1", "bn1", [64, 3, 7, 7], 2)?;
        let mut blocks = Vec::new();
        let mut n_in = 64;
        for (stage, (&count, &width)) in BLOCKS.iter().zip(&WIDTHS).enumerate() {
            let n_out = EXPANSION * width;
            for i in 0..count {
                let name = format!("layer{}.{i}", stage + 1);
                let stride = if i == 0 && stage > 0 { 2 } else { 1 };
                let conv = |k: usize, shape, stride| {
                    layer(&format!("{name}.conv{k}"), &format!("{name}.bn{k}"), shape, stride)
                };
                let convs = [
                    conv(1, [width, n_in, 1, 1], 1)?,
                    conv(2, [width, width, 3, 3], stride)?,
                    conv(3, [n_out, width, 1, 1], 1)?,
                ];
                let (first, second) = (format!("{name}.downsample.0"), format!("{name}.downsample.1"));
                let projection =
                    (i == 0).then(|| layer(&first, &second, [n_out, n_in, 1, 1], stride)).transpose()?;
                blocks.push(Block { convs, projection });
                n_in = n_out;
            }
        }
        let channel =
            |values: [f32; 3]| Tensor::f_from_slice(&values)?.f_view([1, 3, 1, 1])?.f_to_device(device);
        Ok(Self { stem, blocks, mean: channel(MEAN)?, std: channel(STD)? })
    }

    /// Features of pictures with values in [0, 1].
    ///
    /// # Shapes
    /// `x`: `[b, 3, h, w]`, or `[b, 1, h, w]` for grey pictures, whose channel is used three times;
    /// result `[b, 2048]`.
    ///
    /// # Errors
    /// [`Error::Features`] for another number of channels or pictures smaller than 32x32 or beyond
    /// 4 million pixels, [`Error::Torch`].
    pub fn features(&self, x: &Tensor) -> Result<Tensor> {
        let (_, channels, height, width) = x.size4()?;
        if !matches!(channels, 1 | 3) || height < MIN_SIDE || width < MIN_SIDE {
            return Err(Error::Features(format!(
                "pictures of {channels}x{height}x{width} cannot be used: 1 or 3 channels and at least {MIN_SIDE}x{MIN_SIDE} pixels are needed"
            )));
        }
        if height * width > MAX_PIXELS {
            return Err(Error::Features(format!(
                "pictures of {height}x{width} are too large: the network was trained on 224x224; make them smaller, to 4 million pixels at most"
            )));
        }
        let _guard = tch::no_grad_guard();
        // Broadcasting makes three channels of one.
        let x = x.f_sub(&self.mean)?.f_div(&self.std)?;
        let x = self.stem.forward(&x)?.f_relu()?.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)?;
        let maps = self.blocks.iter().try_fold(x, |x, block| block.forward(&x))?;
        Ok(maps.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?)
    }
}

impl ConvNorm {
    fn new(
        tensors: &Tensors,
        conv: &str,
        norm: &str,
        shape: [i64; 4],
        stride: i64,
        device: Device,
    ) -> Result<Self> {
        let wrong = |why| Error::Checkpoint {
            what: "the weights".into(),
            why,
            remedy: "give the file that torchvision publishes".into(),
        };
        let get = |name: String, shape: &[i64]| {
            let tensor = tensors.get(&name).ok_or_else(|| {
                wrong(format!("have no `{name}`: they are not those of torchvision's resnet50"))
            })?;
            if tensor.size() != shape {
                return Err(Error::Shape {
                    what: format!("`{name}`"),
                    expected: shape.to_vec(),
                    got: tensor.size(),
                });
            }
            if !bool::try_from(tensor.f_isfinite()?.f_all()?)? {
                return Err(wrong(format!("are damaged: `{name}` holds a value that is not finite")));
            }
            Ok(tensor.f_to_device(device)?)
        };
        let channel = |part: &str| get(format!("{norm}.{part}"), &shape[..1]);
        let of_norm =
            [channel("weight")?, channel("bias")?, channel("running_mean")?, channel("running_var")?];
        if !bool::try_from(of_norm[3].f_ge(0.0)?.f_all()?)? {
            return Err(wrong(format!("are damaged: `{norm}.running_var` holds a negative variance")));
        }
        Ok(Self { weight: get(format!("{conv}.weight"), &shape)?, norm: of_norm, stride })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let padding = self.weight.size()[2] / 2;
        let stride = [self.stride, self.stride];
        let x = x.f_conv2d(&self.weight, None::<&Tensor>, stride, [padding, padding], [1, 1], 1)?;
        let [scale, shift, mean, var] = &self.norm;
        Ok(x.f_batch_norm(Some(scale), Some(shift), Some(mean), Some(var), false, 0.0, BATCH_NORM_EPS, true)?)
    }
}

impl Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let inner = self.convs[0].forward(x)?.f_relu()?;
        let inner = self.convs[1].forward(&inner)?.f_relu()?;
        let inner = self.convs[2].forward(&inner)?;
        let beside = match &self.projection {
            Some(projection) => projection.forward(x)?,
            None => x.shallow_clone(),
        };
        Ok(inner.f_add(&beside)?.f_relu()?)
    }
}

impl ResNet50 {
    /// Features of pictures as rows, [`batch_size`] at a time; `done` is called with the number of
    /// finished rows.
    ///
    /// # Shapes
    /// `x`: `[n, channels * height * width]` with values in [0, 1]; result `[n, 2048]`.
    ///
    /// # Errors
    /// As [`ResNet50::features`], and [`Error::Features`] for rows that are no pictures of that
    /// shape.
    pub fn features_of_rows(
        &self,
        x: ArrayView2<'_, f32>,
        image: ImageShape,
        mut done: impl FnMut(usize),
    ) -> Result<Array2<f32>> {
        if x.ncols() != image.dim() {
            return Err(Error::Features(format!(
                "a row has {} values, a picture {}",
                x.ncols(),
                image.dim()
            )));
        }
        let device = self.mean.device();
        let batch = batch_size(image.height, image.width, device);
        let mut out = Array2::zeros((x.nrows(), FEATURES));
        let [channels, height, width] = [image.channels, image.height, image.width].map(|side| side as i64);
        for start in (0..x.nrows()).step_by(batch) {
            let end = (start + batch).min(x.nrows());
            let rows = to_tensor(x.slice(s![start..end, ..]), device)?;
            let rows = rows.f_view([(end - start) as i64, channels, height, width])?;
            out.slice_mut(s![start..end, ..]).assign(&to_array2(&self.features(&rows)?)?);
            done(end);
        }
        Ok(out)
    }
}

/// Pictures at a time, so that intermediate maps take about half a gibibyte on a CPU and four on a
/// GPU.
pub fn batch_size(height: usize, width: usize, device: Device) -> usize {
    let budget: usize = if device.is_cuda() { 4 << 30 } else { 512 << 20 };
    let picture = height.saturating_mul(width).saturating_mul(BYTES_A_PIXEL).max(1);
    (budget / picture).clamp(1, 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_shrink_with_the_pictures() {
        assert_eq!(batch_size(96, 96, Device::Cpu), 91);
        assert_eq!(batch_size(224, 224, Device::Cpu), 16);
        assert_eq!(batch_size(4000, 6000, Device::Cpu), 1);
        assert_eq!(batch_size(224, 224, Device::Cuda(0)), 133);
        assert_eq!(batch_size(1, 1, Device::Cpu), 256);
    }
}
