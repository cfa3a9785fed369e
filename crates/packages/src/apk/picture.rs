//! Pictures that are read to be put together into one, and written as PNG.

use std::io::{BufReader, Cursor};

use image_webp::WebPDecoder;
use png::{BitDepth, ColorType, Transformations};

/// Width and height that a picture may have: a decoder takes four bytes for each of their product.
const LONGEST: u32 = 2048;
/// Bytes that a decoder may take beside the picture.
const DECODER: usize = 32 << 20;
/// The whole of a length, for places that are parts of it.
const WHOLE: u64 = 1 << 20;
/// Ten-thousandths, in which insets are given.
const SHARES: u64 = 10_000;

/// Rows of pixels: red, green, blue, alpha.
pub(super) struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// One of the pictures that lie above each other in an adaptive icon.
pub(super) enum Layer {
    /// Alpha, red, green, blue.
    Color(u32),
    /// With the part of its place that is left free on each side, in ten-thousandths.
    Picture { picture: Picture, inset: u32 },
}

/// The media type of what is a PNG or WebP by its first bytes.
pub(super) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else {
        None
    }
}

impl Picture {
    /// `None` when it is neither PNG nor WebP, damaged, or too large.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        match media_type(bytes)? {
            "image/png" => read_png(bytes),
            _ => read_webp(bytes),
        }
    }

    /// The mean of the pixels from `from` to `to`, which are parts of [`WHOLE`]; colours are multiplied by alpha.
    fn mean(&self, from: [u64; 2], to: [u64; 2]) -> [u32; 4] {
        let range = |axis: usize, length: u32| {
            let place = |part: u64| part * u64::from(length) / WHOLE;
            let first = place(from[axis]).min(u64::from(length) - 1);
            let last = place(to[axis]).clamp(first + 1, length.into());
            first..last
        };
        let mut sum = [0_u64; 4];
        let mut count = 0;
        for y in range(1, self.height) {
            for x in range(0, self.width) {
                let at = usize::try_from((y * u64::from(self.width) + x) * 4).unwrap_or(usize::MAX);
                let Some([red, green, blue, alpha]) =
                    self.pixels.get(at..).and_then(<[u8]>::first_chunk)
                else {
                    continue;
                };
                for (sum, color) in sum.iter_mut().zip([red, green, blue, &255]) {
                    *sum += u64::from(*color) * u64::from(*alpha) / 255;
                }
                count += 1;
            }
        }
        sum.map(|sum| u32::try_from(sum / count.max(1)).unwrap_or(255))
    }
}

impl Layer {
    /// The pixel of the part that is seen, two thirds of each length, at `place` of `size`; colours are multiplied by alpha.
    fn pixel(&self, place: [u32; 2], size: u32) -> [u32; 4] {
        match self {
            Self::Color(color) => {
                let [alpha, red, green, blue] = color.to_be_bytes().map(u32::from);
                let seen = |color| color * alpha / 255;
                [seen(red), seen(green), seen(blue), alpha]
            }
            Self::Picture { picture, inset } => {
                let inset = u64::from(*inset) * WHOLE / SHARES;
                let inside = WHOLE.saturating_sub(2 * inset).max(1);
                let edge =
                    |place: u32| WHOLE / 6 + WHOLE * 2 / 3 * u64::from(place) / u64::from(size);
                let part = |place: u32| Some(edge(place).checked_sub(inset)? * WHOLE / inside);
                let (from, to) = (place.map(part), place.map(|place| part(place + 1)));
                match (from, to) {
                    ([Some(left), Some(top)], [Some(right), Some(bottom)])
                        if right <= WHOLE && bottom <= WHOLE =>
                    {
                        picture.mean([left, top], [right, bottom])
                    }
                    _ => [0; 4],
                }
            }
        }
    }
}

/// The layers, the lowest first, as a PNG of `size` pixels squared; `None` when it cannot be written.
pub(super) fn compose(layers: &[Layer], size: u32) -> Option<Vec<u8>> {
    let mut pixels = Vec::new();
    for y in 0..size {
        for x in 0..size {
            let mut under = [0_u32; 4];
            for layer in layers {
                let above = layer.pixel([x, y], size);
                let through = 255 - above[3].min(255);
                for (under, above) in under.iter_mut().zip(above) {
                    *under = above + *under * through / 255;
                }
            }
            let alpha = under[3];
            pixels.extend(under[..3].iter().map(|color| whole_color(*color, alpha)));
            pixels.push(u8::try_from(alpha).unwrap_or(255));
        }
    }
    write_png(&pixels, size)
}

/// A colour that was multiplied by alpha, as it was before.
fn whole_color(color: u32, alpha: u32) -> u8 {
    let whole = (color * 255).checked_div(alpha).unwrap_or(0);
    u8::try_from(whole).unwrap_or(255)
}

fn is_allowed(width: u32, height: u32) -> bool {
    (1..=LONGEST).contains(&width) && (1..=LONGEST).contains(&height)
}

fn read_png(bytes: &[u8]) -> Option<Picture> {
    let limits = png::Limits { bytes: DECODER };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let header = decoder.read_header_info().ok()?;
    let (width, height) = (header.width, header.height);
    if !is_allowed(width, height) {
        return None;
    }
    let mut reader = decoder.read_info().ok()?;
    let mut bytes = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut bytes).ok()?;
    bytes.truncate(frame.buffer_size());
    let pixels = match (frame.color_type, frame.bit_depth) {
        (ColorType::Rgba, BitDepth::Eight) => bytes,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => {
            let (pairs, _) = bytes.as_chunks::<2>();
            pairs
                .iter()
                .flat_map(|[grey, alpha]| [*grey, *grey, *grey, *alpha])
                .collect()
        }
        _ => return None,
    };
    Some(Picture {
        width,
        height,
        pixels,
    })
}

fn read_webp(bytes: &[u8]) -> Option<Picture> {
    let mut decoder = WebPDecoder::new(BufReader::new(Cursor::new(bytes))).ok()?;
    decoder.set_memory_limit(DECODER);
    let (width, height) = decoder.dimensions();
    if !is_allowed(width, height) {
        return None;
    }
    let mut pixels = vec![0; decoder.output_buffer_size()?];
    decoder.read_image(&mut pixels).ok()?;
    if !decoder.has_alpha() {
        let (colors, _) = pixels.as_chunks::<3>();
        pixels = colors
            .iter()
            .flat_map(|[red, green, blue]| [*red, *green, *blue, 255])
            .collect();
    }
    Some(Picture {
        width,
        height,
        pixels,
    })
}

fn write_png(pixels: &[u8], size: u32) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size, size);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}
