//! `strokes`: an embedded data set that the project draws itself, 28x28 grey images of the ten
//! digits.
//!
//! A digit is a skeleton of lines, elliptic arcs and quadratic Bezier curves; the skeleton is bent
//! by a random elastic field, mapped by a random affine map, and drawn with a pen of random radius,
//! softness, ink and grain. Every variation is continuous (there is no second way to write a digit
//! that is not reached gradually from the first), so that a class is one connected cloud of images.
//! It serves demonstrations and tests, and is never evidence for a method.
//!
//! *Same bytes everywhere.* The checksum [`DEFAULT_SHA256`] holds on every platform because the
//! drawing uses only operations that IEEE 754 rounds correctly (`+ - * /`, square root, comparison,
//! conversion), in a fixed order and without fused multiply-add: no `sin`, `exp` or `pow` of a
//! mathematics library is called. Arcs use a polynomial written here, rotations the rational form
//! of sine and cosine. Random bits are ChaCha's. Image `i` depends on `(seed, i)` alone: neither on
//! `n` nor on the number of threads.

use ndarray::{Array1, Array3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Height and width of an image in pixels.
pub const SIDE: usize = 28;

/// Number of classes, the digits 0 to 9.
pub const N_CLASSES: usize = 10;

/// Number of images of the data set as it is used by default.
pub const DEFAULT_N: usize = 10_000;

/// Seed of the data set as it is used by default.
pub const DEFAULT_SEED: u64 = 0;

/// SHA-256 of `strokes(DEFAULT_N, DEFAULT_SEED)`: all pixels in row order, then one byte per label.
pub const DEFAULT_SHA256: &str = "9827f81aefd2e02c282cd981a356228c402007d42f28567a3cb32f2547819988";

/// How much the images of one class differ: the one place that sets how hard the data set is.
///
/// Lengths are in skeleton units (a digit is 2 high) unless they say pixels. `centred(a)` below
/// stands for a random number in `(-a, a)` with triangular density, `(lo, hi)` for a uniform one.
struct Difficulty {
    /// Tangent of half the rotation angle, centred.
    half_rotation: f64,
    /// Horizontal shift per unit of height, centred.
    shear: f64,
    /// Half the height of a digit in pixels, uniform.
    half_height_px: (f64, f64),
    /// Width of a digit relative to its height, uniform; 1 is the skeleton's own.
    aspect: (f64, f64),
    /// Shift of the whole digit in pixels, in each direction, centred.
    shift_px: f64,
    /// Displacement of an elastic control point, centred.
    elastic: f64,
    /// Pen radius in pixels, uniform.
    radius_px: (f64, f64),
    /// Width of the pen's soft edge in pixels, uniform.
    edge_px: (f64, f64),
    /// Darkest value of a stroke, uniform; 1 is full ink.
    ink: (f64, f64),
    /// Share of the ink that the grain of a pixel may take away, uniform.
    grain: f64,
}

const DIFFICULTY: Difficulty = Difficulty {
    half_rotation: 0.22,
    shear: 0.36,
    half_height_px: (7.6, 9.4),
    aspect: (0.8, 1.15),
    shift_px: 2.5,
    elastic: 0.22,
    radius_px: (0.9, 1.8),
    edge_px: (1.0, 1.6),
    ink: (0.8, 1.0),
    grain: 0.10,
};

/// Draws `n` images `[n, 28, 28]` (0 is paper, 255 full ink) and their classes `[n]`, drawn
/// uniformly from 0..10.
///
/// The first `m < n` images of a call are those of a call for `m`.
pub fn strokes(n: usize, seed: u64) -> (Array3<u8>, Array1<u32>) {
    let mut pixels = vec![0_u8; n * SIDE * SIDE];
    let labels: Vec<u32> = pixels
        .par_chunks_exact_mut(SIDE * SIDE)
        .enumerate()
        .map(|(i, image)| draw(image, &mut Draws::new(seed, i as u64)))
        .collect();
    let images =
        Array3::from_shape_vec((n, SIDE, SIDE), pixels).expect("the buffer was sized for this shape");
    (images, labels.into())
}

/// Draws one image and returns its class.
fn draw(image: &mut [u8], draws: &mut Draws) -> u32 {
    let class = draws.below(N_CLASSES as u32);
    let skeleton = skeleton(class, draws.uniform((0.0, 1.0)));
    let elastic = Elastic::new(draws);
    let place = Placement::new(draws);
    let pen = Pen::new(draws);
    let mut nearest = [f64::INFINITY; SIDE * SIDE];
    for stroke in &skeleton {
        let points: Vec<Point> = stroke.iter().map(|&p| place.apply(elastic.apply(p))).collect();
        for pair in points.windows(2) {
            measure(&mut nearest, pair[0], pair[1], pen.reach());
        }
    }
    for (pixel, &sq) in image.iter_mut().zip(&nearest) {
        *pixel = pen.shade(sq, draws);
    }
    class
}

/// The random numbers of one image.
struct Draws(ChaCha8Rng);

impl Draws {
    fn new(seed: u64, index: u64) -> Self {
        let mut key = *b"........--------vae-data/strokes";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in `0..n`, up to a bias of `n / 2^32`.
    fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// Uniform in `[lo, hi)`.
    fn uniform(&mut self, (lo, hi): (f64, f64)) -> f64 {
        lo + (hi - lo) * (f64::from(self.0.next_u32()) / 4_294_967_296.0)
    }

    /// Triangular in `(-a, a)`.
    fn centred(&mut self, a: f64) -> f64 {
        self.uniform((-a, a)) / 2.0 + self.uniform((-a, a)) / 2.0
    }
}

/// x to the right, y down.
type Point = (f64, f64);

/// A part of a stroke in skeleton units, within about `[-0.65, 0.65] x [-1, 1]`.
enum Piece {
    /// Straight lines through points.
    Line(&'static [Point]),
    /// Part of an ellipse; angles in turns, 0 to the right, 0.25 down.
    Arc { centre: Point, radii: Point, from: f64, to: f64 },
    /// Quadratic Bezier curve: start, control point, end.
    Curve([Point; 3]),
}

/// Points on one curved piece.
const STEPS: usize = 14;

impl Piece {
    fn trace(&self, out: &mut Vec<Point>) {
        match *self {
            // straight lines are cut too, so that the elastic field can bend them
            Self::Line(points) => {
                for pair in points.windows(2) {
                    out.extend(steps(6).map(|t| between(pair[0], pair[1], t)));
                }
            }
            Self::Arc { centre, radii, from, to } => out.extend(steps(STEPS).map(|t| {
                let (cos, sin) = cos_sin(from + (to - from) * t);
                (centre.0 + radii.0 * cos, centre.1 + radii.1 * sin)
            })),
            Self::Curve([a, b, c]) => {
                out.extend(steps(STEPS).map(|t| between(between(a, b, t), between(b, c, t), t)));
            }
        }
    }
}

/// `0, 1/n, ..., 1`.
fn steps(n: usize) -> impl Iterator<Item = f64> {
    (0..=n).map(move |i| i as f64 / n as f64)
}

fn between(a: Point, b: Point, t: f64) -> Point {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

/// Cosine and sine of an angle in turns, by Taylor polynomials on an eighth of a turn (error below
/// 1e-9).
fn cos_sin(turns: f64) -> Point {
    let quarter = (turns * 4.0 + 0.5).floor();
    let a = (turns - quarter / 4.0) * std::f64::consts::TAU;
    let s = a * a;
    let cos = 1.0 - s / 2.0 * (1.0 - s / 12.0 * (1.0 - s / 30.0 * (1.0 - s / 56.0 * (1.0 - s / 90.0))));
    let sin =
        a * (1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0 * (1.0 - s / 110.0)))));
    match (quarter as i64).rem_euclid(4) {
        0 => (cos, sin),
        1 => (-sin, cos),
        2 => (-cos, -sin),
        _ => (sin, -cos),
    }
}

/// The strokes of a digit. `style` in [0, 1] leads gradually from one way to write it to another:
/// the flag of the 1 grows, the top of the 4 opens, the bar of the 7 grows.
fn skeleton(class: u32, style: f64) -> Vec<Vec<Point>> {
    use Piece::{Arc, Curve, Line};
    let stroke = |pieces: &[Piece]| {
        let mut points = Vec::with_capacity(64);
        pieces.iter().for_each(|p| p.trace(&mut points));
        points
    };
    let straight = |a: Point, b: Point| steps(6).map(|t| between(a, b, t)).collect::<Vec<Point>>();
    match class {
        0 => vec![stroke(&[
            Arc { centre: (0.0, 0.0), radii: (0.62, 1.0), from: 0.0, to: 0.5 },
            Arc { centre: (0.0, 0.0), radii: (0.62, 1.0), from: 0.5, to: 1.0 },
        ])],
        1 => vec![
            stroke(&[Line(&[(0.0, -1.0), (0.0, 1.0)])]),
            straight((0.0, -1.0), between((0.0, -1.0), (-0.4, -0.55), style)),
        ],
        2 => vec![stroke(&[
            Arc { centre: (0.0, -0.45), radii: (0.55, 0.55), from: 0.5, to: 1.05 },
            Curve([(0.52, -0.28), (0.4, 0.25), (-0.6, 1.0)]),
            Line(&[(-0.6, 1.0), (0.62, 1.0)]),
        ])],
        3 => vec![stroke(&[
            Arc { centre: (-0.1, -0.5), radii: (0.65, 0.5), from: 0.55, to: 1.2 },
            Arc { centre: (-0.1, 0.5), radii: (0.75, 0.5), from: 0.8, to: 1.45 },
        ])],
        4 => vec![
            straight((0.3 - 0.55 * style, -1.0), (-0.65, 0.3)),
            stroke(&[Line(&[(-0.65, 0.3), (0.68, 0.3)])]),
            straight((0.3, -1.0 + 0.35 * style), (0.3, 1.0)),
        ],
        5 => vec![stroke(&[
            Line(&[(0.65, -1.0), (-0.45, -1.0), (-0.5, -0.05)]),
            Arc { centre: (-0.05, 0.4), radii: (0.68, 0.6), from: 0.62, to: 1.38 },
        ])],
        6 => vec![stroke(&[
            Curve([(0.05, -1.0), (-0.6, -0.3), (-0.6, 0.52)]),
            Arc { centre: (0.0, 0.52), radii: (0.6, 0.48), from: 0.5, to: 1.0 },
            Arc { centre: (0.0, 0.52), radii: (0.6, 0.48), from: 1.0, to: 1.5 },
        ])],
        7 => vec![
            stroke(&[Line(&[(-0.6, -1.0), (0.62, -1.0), (-0.15, 1.0)])]),
            straight(between((0.22, 0.05), (-0.15, 0.05), style), between((0.22, 0.05), (0.6, 0.05), style)),
        ],
        8 => vec![
            stroke(&[Arc { centre: (0.0, -0.5), radii: (0.36, 0.5), from: 0.0, to: 1.0 }]),
            stroke(&[Arc { centre: (0.0, 0.5), radii: (0.45, 0.5), from: 0.0, to: 1.0 }]),
        ],
        _ => vec![
            stroke(&[Arc { centre: (0.0, -0.45), radii: (0.55, 0.55), from: 0.0, to: 1.0 }]),
            stroke(&[Curve([(0.55, -0.45), (0.6, 0.4), (0.15, 1.0)])]),
        ],
    }
}

/// Control points of the elastic field per direction.
const LATTICE: usize = 5;

/// A smooth random displacement: a uniform cubic B-spline over a square lattice of random vectors.
struct Elastic([[Point; LATTICE]; LATTICE]);

impl Elastic {
    fn new(draws: &mut Draws) -> Self {
        let mut lattice = [[(0.0, 0.0); LATTICE]; LATTICE];
        for vector in lattice.iter_mut().flatten() {
            *vector = (draws.centred(DIFFICULTY.elastic), draws.centred(DIFFICULTY.elastic));
        }
        Self(lattice)
    }

    /// Moves a point of `[-1, 1]^2`.
    fn apply(&self, p: Point) -> Point {
        let (col, wx) = Self::weights(p.0);
        let (row, wy) = Self::weights(p.1);
        let mut moved = p;
        for (i, &wy) in wy.iter().enumerate() {
            for (j, &wx) in wx.iter().enumerate() {
                let vector = self.0[row + i][col + j];
                moved.0 += wx * wy * vector.0;
                moved.1 += wx * wy * vector.1;
            }
        }
        moved
    }

    /// First of the four control points that act on a coordinate in [-1, 1], and the weights of the
    /// four.
    fn weights(v: f64) -> (usize, [f64; 4]) {
        let spans = (LATTICE - 3) as f64;
        let u = ((v + 1.0) / 2.0 * spans).clamp(0.0, spans);
        let first = (u as usize).min(LATTICE - 4);
        let t = u - first as f64;
        let s = 1.0 - t;
        let inner = |t: f64| (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0;
        (first, [s * s * s / 6.0, inner(t), inner(s), t * t * t / 6.0])
    }
}

/// The affine map from skeleton units to pixels.
struct Placement {
    matrix: [f64; 4],
    shift: Point,
}

impl Placement {
    fn new(draws: &mut Draws) -> Self {
        let t = draws.centred(DIFFICULTY.half_rotation);
        // rational form: (1 - t^2, 2t) / (1 + t^2) is the point of the unit circle at twice the
        // angle of tangent t
        let (cos, sin) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
        let shear = draws.centred(DIFFICULTY.shear);
        let sy = draws.uniform(DIFFICULTY.half_height_px);
        let sx = sy * draws.uniform(DIFFICULTY.aspect);
        let middle = SIDE as f64 / 2.0;
        let shift =
            (middle + draws.centred(DIFFICULTY.shift_px), middle + draws.centred(DIFFICULTY.shift_px));
        // rotation * shear * scale; y points down, a positive shear leans to the right
        Self { matrix: [cos * sx, (-cos * shear - sin) * sy, sin * sx, (cos - sin * shear) * sy], shift }
    }

    fn apply(&self, p: Point) -> Point {
        let [a, b, c, d] = self.matrix;
        (a * p.0 + b * p.1 + self.shift.0, c * p.0 + d * p.1 + self.shift.1)
    }
}

/// The pen of one image.
struct Pen {
    radius: f64,
    edge: f64,
    ink: f64,
}

impl Pen {
    fn new(draws: &mut Draws) -> Self {
        Self {
            radius: draws.uniform(DIFFICULTY.radius_px),
            edge: draws.uniform(DIFFICULTY.edge_px),
            ink: draws.uniform(DIFFICULTY.ink),
        }
    }

    /// Distance in pixels beyond which the pen leaves no ink.
    fn reach(&self) -> f64 {
        self.radius + self.edge / 2.0
    }

    /// Grey value of a pixel at the given squared distance from the skeleton.
    fn shade(&self, sq: f64, draws: &mut Draws) -> u8 {
        if sq >= self.reach() * self.reach() {
            return 0;
        }
        let cover = ((self.reach() - sq.sqrt()) / self.edge).clamp(0.0, 1.0);
        let grain = 1.0 - draws.uniform((0.0, DIFFICULTY.grain));
        (255.0 * self.ink * grain * cover + 0.5) as u8
    }
}

/// Lowers the squared distance of every pixel within `reach` of the segment from `a` to `b`.
fn measure(nearest: &mut [f64; SIDE * SIDE], a: Point, b: Point, reach: f64) {
    // pixel `i` has its centre at `i + 0.5`; the casts saturate at 0
    let first = |v: f64| ((v - reach + 0.5) as usize).min(SIDE);
    let end = |v: f64| ((v + reach + 0.5) as usize).min(SIDE);
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let sq_len = (dx * dx + dy * dy).max(1e-12);
    for row in first(a.1.min(b.1))..end(a.1.max(b.1)) {
        for col in first(a.0.min(b.0))..end(a.0.max(b.0)) {
            let (px, py) = (col as f64 + 0.5 - a.0, row as f64 + 0.5 - a.1);
            let t = ((px * dx + py * dy) / sq_len).clamp(0.0, 1.0);
            let (ex, ey) = (px - t * dx, py - t * dy);
            let sq = ex * ex + ey * ey;
            let pixel = &mut nearest[row * SIDE + col];
            *pixel = pixel.min(sq);
        }
    }
}
