//! Pictures that people send: whatever comes is decoded, turned upright, made smaller and encoded anew, so that nothing of the file is left
//! but what one sees: no place, no camera, no bytes behind the end.

use fitconnect_protocol::limits::{IMAGE_BYTES_MAX, IMAGE_PIXELS_MAX, IMAGE_SIDE_MAX};
use fitconnect_protocol::{ErrorCode, Refusal};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use std::io::Cursor;

/// How much of the picture is kept; above it files grow and nobody sees more.
const QUALITY: u8 = 82;
/// What a decoder may take: a picture of the largest size with four channels, and its working memory.
const MEMORY_MAX: u64 = 6 * IMAGE_PIXELS_MAX;

/// A picture as it is kept: JPEG.
pub struct Encoded {
    pub width: u16,
    pub height: u16,
    pub jpeg: Vec<u8>,
}

/// Encodes a JPEG, PNG or WebP anew, at most [`IMAGE_SIDE_MAX`] pixels wide and high. It may take
/// [`MEMORY_MAX`] bytes while it decodes.
pub fn encode(file: &[u8]) -> Result<Encoded, Refusal> {
    if file.len() > IMAGE_BYTES_MAX {
        return Err(Refusal::new(ErrorCode::TooLarge, format!("a picture has at most {IMAGE_BYTES_MAX} bytes")));
    }
    let bad = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => too_large(),
        error => Refusal::new(ErrorCode::BadFile, format!("the picture cannot be read: {error}")),
    };
    let reader = ImageReader::new(Cursor::new(file)).with_guessed_format();
    let mut reader = reader.map_err(|error| bad(error.into()))?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) {
        return Err(Refusal::new(ErrorCode::BadFile, "a picture is JPEG, PNG or WebP"));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(bad)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > IMAGE_PIXELS_MAX {
        return Err(too_large());
    }
    let orientation = decoder.orientation().map_err(bad)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(bad)?;
    if width.max(height) > IMAGE_SIDE_MAX {
        image = image.resize(IMAGE_SIDE_MAX, IMAGE_SIDE_MAX, FilterType::Triangle);
    }
    image.apply_orientation(orientation);
    let image = on_white(image);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&image).map_err(bad)?;
    let side = |pixels: u32| u16::try_from(pixels).expect("at most the largest side");
    Ok(Encoded { width: side(image.width()), height: side(image.height()), jpeg })
}

fn too_large() -> Refusal {
    Refusal::new(ErrorCode::TooLarge, format!("a picture has at most {} million pixels", IMAGE_PIXELS_MAX / 1_000_000))
}

/// What shows through, shows white.
fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let seen = image.into_rgba8();
    RgbImage::from_fn(seen.width(), seen.height(), |x, y| {
        let [r, g, b, a] = seen.get_pixel(x, y).0;
        let over = |c: u8| ((u16::from(c) * u16::from(a) + 255 * (255 - u16::from(a))) / 255) as u8;
        image::Rgb([over(r), over(g), over(b)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder, Rgba, RgbaImage};

    fn png(image: &RgbaImage) -> Vec<u8> {
        let mut file = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut file);
        encoder.write_image(image, image.width(), image.height(), ExtendedColorType::Rgba8).expect("encoded");
        file
    }

    fn decoded(encoded: &Encoded) -> RgbImage {
        image::load_from_memory_with_format(&encoded.jpeg, ImageFormat::Jpeg).expect("a JPEG").into_rgb8()
    }

    #[test]
    fn what_shows_through_is_white_and_what_is_large_is_made_smaller() {
        let clear = RgbaImage::from_pixel(3_200, 800, Rgba([255, 0, 0, 0]));
        let encoded = encode(&png(&clear)).expect("encoded");
        assert_eq!((encoded.width, encoded.height), (1_600, 400));
        assert!(decoded(&encoded).get_pixel(5, 5).0.iter().all(|c| *c > 250));
    }

    /// A JPEG of 40 × 20 pixels, red on its left, whose EXIF says that it lies on its side, and where it was taken.
    fn turned() -> Vec<u8> {
        let image = RgbImage::from_fn(40, 20, |x, _| image::Rgb(if x < 20 { [255, 0, 0] } else { [0, 0, 255] }));
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 95).encode_image(&image).expect("encoded");
        // TIFF, little-endian, one entry: Orientation (0x0112), SHORT, 1, 6: turn by 90° to the right. Behind it words that must go.
        let mut exif =
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0GPS 59.93N 30.33E".to_vec();
        let length = (exif.len() + 2) as u16;
        let mut file = jpeg[..2].to_vec();
        file.extend([0xff, 0xe1]);
        file.extend(length.to_be_bytes());
        file.append(&mut exif);
        file.extend(&jpeg[2..]);
        file
    }

    #[test]
    fn what_lies_on_its_side_stands_and_where_it_was_taken_is_forgotten() {
        let file = turned();
        let has = |file: &[u8], words: &[u8]| file.windows(words.len()).any(|window| window == words);
        assert!(has(&file, b"GPS 59.93N"));
        let encoded = encode(&file).expect("encoded");
        assert_eq!((encoded.width, encoded.height), (20, 40));
        assert!(!has(&encoded.jpeg, b"GPS") && !has(&encoded.jpeg, b"Exif"));
        let image = decoded(&encoded);
        let [top, bottom] = [image.get_pixel(10, 5).0, image.get_pixel(10, 35).0];
        assert!(top[0] > 200 && bottom[2] > 200, "the left side is on top: {top:?}, {bottom:?}");
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        let code = |file: &[u8]| encode(file).err().map(|refusal| refusal.code);
        assert_eq!(code(b"<svg onload=alert(1)>"), Some(ErrorCode::BadFile));
        assert_eq!(code(b"GIF89a"), Some(ErrorCode::BadFile));
        assert_eq!(code(&turned()[..300]), Some(ErrorCode::BadFile), "torn");
        assert_eq!(code(&vec![0; IMAGE_BYTES_MAX + 1]), Some(ErrorCode::TooLarge));
        // A header that promises 65,000 × 65,000 pixels: refused before memory is taken.
        let mut bomb = png(&RgbaImage::new(1, 1));
        bomb[16..24].copy_from_slice(&[0, 0, 0xfd, 0xe8, 0, 0, 0xfd, 0xe8]);
        assert!(matches!(code(&bomb), Some(ErrorCode::TooLarge | ErrorCode::BadFile)));
    }
}
